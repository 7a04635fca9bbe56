import { boundsUpTo, type KeyRange } from '../backend/key-range.js'

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
  const { gt: _, gte: __, lt: ___, lte: ____, ...others } = selection
  if (last === undefined || keys.length !== others.limit) return keys
  const part = { ...others, ...boundsUpTo(selection, last, others.reverse), limit: -1 } as unknown as S
  return (await read(part)).slice(0, others.limit)
}
