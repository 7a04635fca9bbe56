import { type KeyRange, upToKey } from '../backend/key-range.js'

interface Selection extends KeyRange {
  readonly reverse: boolean
  /** -1 for none */
  readonly limit: number
}

/**
 * The keys of a selection, in order. If the limit ends it, the range up to there is read once more, to its end: LevelDB skips what it cannot read, and
 * says so only then.
 *
 * @param read reads the keys of a selection
 */
export async function selectedKeys<S extends Selection>(
  selection: S,
  read: (selection: S) => Promise<Buffer[]>
): Promise<Buffer[]> {
  const keys = await read(selection)
  const last = keys.at(-1)
  const { limit } = selection
  if (last === undefined || keys.length !== limit) return keys
  return (await read({ ...upToKey(selection, last), limit: -1 })).slice(0, limit)
}
