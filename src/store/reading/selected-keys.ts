import { type KeySelection, upToKey } from '../backend/key-range.js'
import { EntrySource, type ReadView } from './entry-source.js'
import type { Unsealer } from './unsealer.js'

/** How many keys are fetched together. */
const FETCH_KEYS = 1000

/**
 * The keys of a selection, in order. If the limit ends it, the range up to there is read once more, to its end: LevelDB skips what it cannot read, and
 * says so only then.
 *
 * @param read reads the keys of a selection
 */
export async function selectedKeys(
  selection: KeySelection,
  read: (selection: KeySelection) => Promise<Buffer[]>
): Promise<Buffer[]> {
  const keys = await read(selection)
  const last = keys.at(-1)
  const { limit } = selection
  if (last === undefined || keys.length !== limit) return keys
  return (await read({ ...upToKey(selection, last), limit: -1 })).slice(0, limit)
}

/** The keys that a reader would see in a range, in order, up to the limit in `options`. */
export function visibleKeys(view: ReadView, options: KeySelection, unsealer: Unsealer): Promise<Buffer[]> {
  return selectedKeys(options, selection => readKeys(view, selection, unsealer))
}

async function readKeys(view: ReadView, options: KeySelection, unsealer: Unsealer): Promise<Buffer[]> {
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
