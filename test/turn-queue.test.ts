import { afterEach, describe, expect, it, vi } from 'vitest'
import { nextTurn, TurnQueue } from '../src/turn.js'
import { work } from './support/turns.js'

const immediates = () => process.getActiveResourcesInfo().filter(name => name === 'Immediate').length

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

  it('is not held up by work that comes later', async () => {
    const queue = new TurnQueue(2, 1)
    queue.hasRoom(1)
    let isDone = false
    /** As long as a turn may take, in every turn, and before what waits has its own. */
    const others = (turns: number) => {
      if (queue.hasRoom(1)) work(3)
      if (!isDone && turns > 0) setImmediate(() => others(turns - 1))
    }
    setImmediate(() => others(100))
    work(3)
    expect(queue.hasRoom(1)).toBe(false)
    let turns = 0
    const count = () => {
      turns++
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    await queue.later(() => (isDone = true))
    expect(turns).toBeLessThan(5)
  })

  it('is done while the timers of a test are fake', async () => {
    vi.useFakeTimers({ toFake: ['setImmediate'] })
    try {
      const queue = new TurnQueue(2, 1)
      queue.hasRoom(1)
      work(3)
      expect(queue.hasRoom(1)).toBe(false)
      expect(await queue.later(() => 'done')).toBe('done')
      await nextTurn()
      expect(queue.hasRoom(1)).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  it('asks for one turn at a time, however often all that waits is done at once', async () => {
    const queue = new TurnQueue(2, 1)
    const before = immediates()
    const promises: Promise<number>[] = []
    for (let i = 0; i < 10; i++) {
      promises.push(queue.later(() => i))
      queue.doAll()
    }
    promises.push(queue.later(() => 10))
    expect(immediates() - before).toBe(1)
    expect(await Promise.all(promises)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it.each(['its turn', 'all of it'])(
    'is done once, and in order, where a part of it asks for the rest while %s is done',
    async what => {
      const queue = new TurnQueue(2, 1)
      const done: number[] = []
      const add = (i: number) => queue.later(() => void done.push(i))
      const promises = [
        add(1),
        queue.later(() => {
          promises.push(add(4))
          queue.doAll()
          promises.push(add(5))
        }),
        add(2),
        add(3)
      ]
      if (what === 'all of it') queue.doAll()
      await nextTurn()
      await Promise.all(promises)
      expect(done).toEqual([1, 2, 3, 4, 5])
    }
  )

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
