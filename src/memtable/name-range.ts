/** Bounds of names; `gte` and `lte` win over `gt` and `lt`. Without bounds it is every name. */
export interface NameRange {
  readonly gt?: string | undefined
  readonly gte?: string | undefined
  readonly lt?: string | undefined
  readonly lte?: string | undefined
}

/** Where a range begins and ends, `[from, to)`, among names in order. */
export function placesOf(names: readonly string[], { gt, gte, lt, lte }: NameRange): { from: number; to: number } {
  const from = gte !== undefined ? countBelow(names, gte) : gt !== undefined ? countUpTo(names, gt) : 0
  const to = lte !== undefined ? countUpTo(names, lte) : lt !== undefined ? countBelow(names, lt) : names.length
  return { from, to: Math.max(from, to) }
}

/** How many names are less than `name`. */
export function countBelow(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}

/** How many names are less than `name`, or equal to it. */
export function countUpTo(names: readonly string[], name: string): number {
  const at = countBelow(names, name)
  return names[at] === name ? at + 1 : at
}
