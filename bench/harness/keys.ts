import { shuffled } from '../documents/seeded.js'

/** A key of 16 bytes, as text. */
export function keyOf(index: number): string {
  return `record:${String(index).padStart(9, '0')}`
}

/** The first `count` keys, in a random order that is the same on every run. */
export function shuffledKeys(count: number, seed: number): string[] {
  return shuffled(count, seed).map(keyOf)
}
