import { type Kept, TOMBSTONE } from '../../src/memtable/memtable.js'
import { covers, type RangeTombstone } from '../../src/memtable/range-tombstone.js'
import type { Bounds } from './operations.js'

/** Names and values: what a database has. */
export type Content = Map<string, string>

export const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : a > b ? 1 : 0)

/** What lies in bounds and, if it was sought, on this side of the target, in the order it is iterated in. */
export function selected(content: Content, { gt, gte, lt, lte }: Bounds, reverse: boolean, target: string | undefined) {
  const entries = [...content].sort(byName).filter(([at]) => {
    if (gte === undefined ? gt !== undefined && at <= gt : at < gte) return false
    if (lte === undefined ? lt !== undefined && at >= lt : at > lte) return false
    return target === undefined || (reverse ? at <= target : at >= target)
  })
  return reverse ? entries.toReversed() : entries
}

export function applyTo(content: Content, at: string, found: Kept<string>): void {
  if (found === TOMBSTONE) content.delete(at)
  else content.set(at, found)
}

export function clearIn(content: Content, range: RangeTombstone): void {
  for (const at of content.keys()) if (covers(range, at)) content.delete(at)
}
