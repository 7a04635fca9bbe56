import type { CodecName, CompressedKvStoreOptions } from 'compressed-kv'
import { AS_BUFFERS } from './bare.js'
import type { Contender } from './contender.js'
import { openLevel } from './level.js'

const CODECS = ['lz4', 'zstd'] as const

const MODES: readonly {
  readonly id: string
  readonly name: string
  readonly putPromise: string
  readonly options: CompressedKvStoreOptions<string, Buffer>
}[] = [
  {
    id: 'through',
    name: 'write-through',
    putPromise: 'handed to the system: a power cut loses what that had not written',
    options: { wal: false }
  },
  {
    id: 'logged',
    name: 'logged',
    putPromise: 'logged, then in classic-level, synced: nothing is lost',
    options: { wal: true, memtable: false }
  },
  {
    id: 'back',
    name: 'write-back',
    putPromise: 'in the log, which a timer syncs, and in the MemTable: a power cut loses at most 5 ms',
    options: { wal: true }
  }
]

const STORE = { family: 'store', valuesAs: 'bytes' } as const

const overClassic = (codec: CodecName): Contender[] =>
  MODES.map(({ id, name, putPromise, options }) => ({
    ...STORE,
    id: `${id}-${codec}`,
    label: `${name} ${codec}`,
    putPromise,
    durablePut: 'sync: true',
    persistent: true,
    load: async () => {
      const [{ CompressedKvStore }, { Level }] = await Promise.all([import('compressed-kv'), import('level')])
      return location => {
        const backend = new Level<string, Buffer>(location, AS_BUFFERS)
        return openLevel(new CompressedKvStore<string, Buffer>(backend, { ...options, codec }), true)
      }
    }
  }))

const overMemory = (codec: CodecName, logged: boolean): Contender => ({
  ...STORE,
  id: `memory-${logged ? 'log-' : ''}${codec}`,
  label: `over memory ${codec}${logged ? ', a log' : ''}`,
  putPromise: logged
    ? 'in the log, which a timer syncs: a power cut loses at most 5 ms'
    : 'nothing outlives the process',
  durablePut: logged ? 'sync: true' : 'none',
  persistent: logged,
  load: async () => {
    const [{ CompressedKvStore }, { MemoryLevel }] = await Promise.all([
      import('compressed-kv'),
      import('memory-level')
    ])
    return location => {
      const backend = new MemoryLevel<string, Buffer>(AS_BUFFERS)
      return openLevel(new CompressedKvStore<string, Buffer>(backend, { codec, wal: logged && location }), logged)
    }
  }
})

/** This store, by codec and mode. */
export const STORES: readonly Contender[] = [
  ...CODECS.flatMap(overClassic),
  ...CODECS.map(codec => overMemory(codec, false)),
  overMemory('lz4', true)
]
