/** Every key from `start` on, up to below `end`, was deleted; without `end` there is no upper bound. */
export interface RangeTombstone {
  readonly start: string
  readonly end: string | undefined
}

/** Ranges that cover the same keys, in order, none of which overlaps another. */
export function united(ranges: readonly RangeTombstone[]): RangeTombstone[] {
  const found: RangeTombstone[] = []
  for (const range of [...ranges].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const last = found.at(-1)
    if (last === undefined || (last.end !== undefined && last.end < range.start)) found.push(range)
    else if (last.end !== undefined && (range.end === undefined || range.end > last.end)) {
      found[found.length - 1] = { start: last.start, end: range.end }
    }
  }
  return found
}

export function covers({ start, end }: RangeTombstone, name: string): boolean {
  return name >= start && (end === undefined || name < end)
}
