import type { Keyv, KeyvOptions } from 'keyv'
import type { Contender, Database } from './contender.js'

/** The largest values for slow ones: 1000 larger ones in flight take half a minute. gzip is JavaScript here, Brotli has its default quality, 11. */
const SLOW_ABOVE = 4 * 1024

const ADAPTERS: readonly {
  readonly name: string
  readonly slow: boolean
  readonly load: () => Promise<unknown>
}[] = [
  { name: '', slow: false, load: () => Promise.resolve(undefined) },
  { name: 'gzip', slow: true, load: async () => new (await import('@keyv/compress-gzip')).default() },
  { name: 'brotli', slow: true, load: async () => new (await import('@keyv/compress-brotli')).default() },
  { name: 'lz4', slow: false, load: async () => new (await import('@keyv/compress-lz4')).default() }
]

/** The adapters' own types do not fit Keyv's under the strictness of this project. */
type Compression = NonNullable<KeyvOptions['compression']>

/** Keyv over its Map. Its persistent stores are left out: they need a server, or a package that fetches a binary while it is installed. */
export const KEYV: readonly Contender[] = ADAPTERS.map(({ name, slow, load }) => ({
  id: name === '' ? 'keyv' : `keyv-${name}`,
  label: name === '' ? 'keyv, Map' : `keyv, Map, ${name}`,
  family: 'rival',
  putPromise: 'nothing outlives the process',
  durablePut: 'none',
  persistent: false,
  valuesAs: 'text',
  ...(slow ? { maxValueBytes: SLOW_ABOVE } : {}),
  load: async () => {
    const { Keyv: Store } = await import('keyv')
    const compression = await load()
    return async () =>
      adapt(new Store<string>(compression === undefined ? {} : { compression: compression as Compression }))
  }
}))

function adapt(keyv: Keyv<string>): Database<string> {
  return {
    put: (key, value) => keyv.set(key, value),
    batch: entries => keyv.setMany(entries.map(({ key, value }) => ({ key, value }))),
    get: key => keyv.get<string>(key),
    getMany: keys => keyv.getMany<string>(keys),
    iterate: async () => {
      let entries = 0
      for await (const entry of keyv.iterator!(undefined)) if (Array.isArray(entry)) entries++
      return entries
    },
    close: () => keyv.disconnect()
  }
}
