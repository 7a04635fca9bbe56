/** Every key from `start` on, up to below `end`, was deleted; without `end` there is no upper bound. */
export interface RangeTombstone {
  readonly start: string
  readonly end: string | undefined
}

export function covers({ start, end }: RangeTombstone, name: string): boolean {
  return name >= start && (end === undefined || name < end)
}
