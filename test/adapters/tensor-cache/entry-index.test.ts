import { describe, expect, it } from 'vitest'
import { type Entry, EntryIndex } from '../../../adapters/tensor-cache/entry-index.js'

const COUNT = 1000

/** An index of entries of a byte each, and how often it was asked for their pins, which is asked of each that is looked at. */
function filledIndex(): { index: EntryIndex; entries: Entry[]; looks: () => number } {
  const index = new EntryIndex()
  let looks = 0
  const entries = Array.from({ length: COUNT }, (_, i): Entry => ({
    id: String(i),
    record: { model: 'm', bytes: 1, used: i, values: 1 },
    get pins() {
      looks++
      return 0
    },
    get doomed() {
      looks++
      return i === COUNT - 1
    }
  }))
  for (const entry of entries) index.add(entry)
  looks = 0
  return { index, entries, looks: () => looks }
}

describe('what is to be evicted', () => {
  it('is found without a look at all entries', () => {
    const { index, entries, looks } = filledIndex()
    index.delete(entries.at(-1)!)
    expect(index.victims(3, new Set())).toEqual(entries.slice(0, 3))
    expect(looks()).toBeLessThan(20)
  })

  it('is first what may be stored or not, then the least recently used', () => {
    const { index, entries, looks } = filledIndex()
    expect(index.victims(3, new Set())).toEqual([entries.at(-1), entries[0], entries[1]])
    expect(looks()).toBeLessThan(20)
  })

  it('has each entry once', () => {
    const { index, entries } = filledIndex()
    expect(index.victims(COUNT, new Set())).toHaveLength(COUNT)
    index.add(entries.at(-1)!) // Again.
    expect(index.victims(COUNT, new Set())).toHaveLength(COUNT)
    expect(index.victims(COUNT + 1, new Set())).toEqual([])
  })
})
