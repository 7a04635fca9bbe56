import { type EncodedIteratorOptions, EntrySource, type ReadView } from './entry-source.js'
import { selectedKeys } from './selected-keys.js'
import type { Unsealer } from './unsealer.js'

/** How many keys are fetched together. */
const FETCH_KEYS = 1000

type KeyOptions = Omit<EncodedIteratorOptions, 'keys' | 'values'>

/** The keys that a reader would see in a range, in order, up to the limit in `options`. */
export function visibleKeys(view: ReadView, options: KeyOptions, unsealer: Unsealer): Promise<Buffer[]> {
  return selectedKeys(options, selection => readKeys(view, selection, unsealer))
}

async function readKeys(view: ReadView, options: KeyOptions, unsealer: Unsealer): Promise<Buffer[]> {
  const source = new EntrySource(view, { ...options, keys: true, values: false }, unsealer)
  const most = options.limit === -1 ? Infinity : options.limit
  const keys: Buffer[] = []
  try {
    for (;;) {
      const entries = await source.nextv(Math.min(FETCH_KEYS, most - keys.length), {})
      for (const [key] of entries) keys.push(key!)
      if (entries.length === 0 || keys.length === most) return keys
    }
  } finally {
    await source.close()
  }
}
