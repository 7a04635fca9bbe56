/** How many names one step sorts or merges: that takes about 1 ms. */
const STEP = 4096

/**
 * Sorts names step by step, so that other work can run between steps: a table may have hundreds of thousands of names.
 *
 * @param sorted names that are in order already; not changed
 * @param others more names, none of them twice or in `sorted`; not changed
 */
export function* sorting(sorted: readonly string[], others: readonly string[]): Generator<void, readonly string[]> {
  let runs: (readonly string[])[] = []
  for (let at = 0; at < others.length; at += STEP) {
    runs.push(others.slice(at, at + STEP).sort())
    yield
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = []
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? yield* merging(runs[i]!, runs[i + 1]!) : runs[i]!)
    }
    runs = merged
  }
  const [run] = runs
  if (run === undefined) return sorted
  return sorted.length === 0 ? run : yield* merging(sorted, run)
}

function* merging(left: readonly string[], right: readonly string[]): Generator<void, readonly string[]> {
  const merged: string[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) {
    merged.push(left[l]! < right[r]! ? left[l++]! : right[r++]!)
    if (merged.length % STEP === 0) yield
  }
  const [rest, from] = l < left.length ? [left, l] : [right, r]
  for (let i = from; i < rest.length; i++) {
    merged.push(rest[i]!)
    if (merged.length % STEP === 0) yield
  }
  return merged
}
