/** One slip of the pen is allowed for every so many letters, but never more than {@link MAX_SLIPS}, and always one. */
const LETTERS_PER_SLIP = 4
const MAX_SLIPS = 3

/** The name that somebody who wrote `given` probably meant; undefined if none resembles it. Upper and lower case are the same. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const written = given.toLowerCase()
  let least = Math.min(MAX_SLIPS, Math.max(1, Math.floor(written.length / LETTERS_PER_SLIP))) + 1
  let nearest: string | undefined
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= least) continue
    const slips = slipsBetween(written, name.toLowerCase())
    if (slips < least) [least, nearest] = [slips, name]
  }
  return nearest
}

/** How many letters were left out, added, exchanged, or swapped with the next (the optimal string alignment distance). */
function slipsBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const exchanged = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, exchanged, swaps ? before[j - 2]! + 1 : Infinity))
    }
    before = last
    last = row
  }
  return last[b.length]!
}
