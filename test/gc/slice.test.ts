import { afterEach, describe, expect, it, vi } from 'vitest'
import { Slice } from '../../src/gc/slice.js'
import { work } from '../support/turns.js'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a slice', () => {
  it('ends after a step that took long, and the event loop has its turn', async () => {
    const slice = new Slice()
    let turns = 0
    setImmediate(() => turns++)
    work(1)
    await slice.next()
    expect(turns).toBe(1)
  })

  it('ends after a number of steps whatever they took, and another begins', async () => {
    const slice = new Slice()
    let ended = 0
    for (let i = 0; i < 160; i++) {
      const turn = slice.next()
      if (turn !== undefined) ended++
      await turn
    }
    expect(ended).toBeGreaterThanOrEqual(10)
  })

  it('goes on while steps are short', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(1)
    const slice = new Slice()
    const turns = Array.from({ length: 15 }, () => slice.next())
    expect(new Set(turns)).toEqual(new Set([undefined]))
  })
})
