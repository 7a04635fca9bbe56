import { afterEach, describe, expect, it, vi } from 'vitest'
import { nextTurn, TurnQueue } from '../src/turn.js'
import { work } from './support/turns.js'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('work that many ask for in one turn', () => {
  it('is done at once while there is time', () => {
    vi.spyOn(performance, 'now').mockReturnValue(1)
    const queue = new TurnQueue(2, 1)
    expect(queue.hasRoom(1)).toBe(true)
    expect(queue.hasRoom(1)).toBe(true)
  })

  it('waits for later turns when this one has taken long enough, and the event loop runs between them', async () => {
    const queue = new TurnQueue(2, 10)
    const done: number[] = []
    let turns = 0
    const promises: Promise<number>[] = []
    queue.hasRoom(10) // The turn begins.
    work(3)
    expect(queue.hasRoom(9)).toBe(true) // The clock is not looked at yet.
    expect(queue.hasRoom(1)).toBe(false)
    for (let i = 0; i < 4; i++) promises.push(queue.later(() => (work(3), done.push(i), i)))
    const count = () => {
      turns++
      if (done.length < 4) setImmediate(count)
    }
    setImmediate(count)
    expect(done).toEqual([])
    expect(queue.hasRoom(1)).toBe(false)
    expect(await Promise.all(promises)).toEqual([0, 1, 2, 3])
    expect(done).toEqual([0, 1, 2, 3])
    expect(turns).toBeGreaterThanOrEqual(3)
    await nextTurn()
    await nextTurn()
    expect(queue.hasRoom(1)).toBe(true)
  })

  it('that throws rejects, and the others go on', async () => {
    const queue = new TurnQueue(2, 1)
    const failed = queue.later(() => {
      throw new Error('broken')
    })
    const fine = queue.later(() => 'fine')
    await expect(failed).rejects.toThrow('broken')
    expect(await fine).toBe('fine')
  })
})
