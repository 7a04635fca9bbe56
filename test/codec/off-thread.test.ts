import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as OffThreadModule from '../../src/codec/off-thread.js'

type OffThread = OffThreadModule.OffThread
type Limiters = Pick<typeof OffThreadModule, 'compressing' | 'restoring'>

const MIB = 1024 * 1024

afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

/** Limiters of their own, as in a process whose thread pool has so many threads. */
async function limitersFor(threads: string | undefined): Promise<Limiters> {
  vi.resetModules()
  vi.stubEnv('UV_THREADPOOL_SIZE', threads)
  return import('../../src/codec/off-thread.js')
}

/** Work that runs until it is told to end, and what the limiters make of it. */
class Workbench {
  readonly started: string[] = []
  readonly #limiters: Limiters
  readonly #running = new Map<
    string,
    { resolve: (value: string) => void; reject: (error: Error) => void; bytes: number }
  >()

  constructor(limiters: Limiters) {
    this.#limiters = limiters
  }

  get running(): string[] {
    return [...this.#running.keys()]
  }

  get bytes(): number {
    return this.bytesOf('')
  }

  bytesOf(prefix: string): number {
    return [...this.#running].reduce((sum, [name, work]) => (name.startsWith(prefix) ? sum + work.bytes : sum), 0)
  }

  begin(name: string, bytes: number): Promise<string> {
    return this.#run(this.#limiters.compressing, name, bytes)
  }

  beginRestore(name: string, bytes: number): Promise<string> {
    return this.#run(this.#limiters.restoring, name, bytes)
  }

  #run(limiter: OffThread, name: string, bytes: number): Promise<string> {
    return limiter(bytes, () => {
      this.started.push(name)
      return new Promise<string>((resolve, reject) => this.#running.set(name, { resolve, reject, bytes }))
    })
  }

  async end(name: string, error?: Error): Promise<void> {
    const { resolve, reject } = this.#running.get(name)!
    this.#running.delete(name)
    if (error === undefined) resolve(name)
    else reject(error)
    await settle()
  }
}

function throwing(): Promise<never> {
  throw new Error('at once')
}

/** Lets every promise that can settle do so. */
async function settle(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

describe('calls at once', () => {
  test.each([
    { threads: undefined, most: 3 },
    { threads: 'not a number', most: 1 },
    { threads: '1', most: 1 },
    { threads: '2', most: 1 },
    { threads: '8', most: 7 }
  ])(
    'leave one of the threads alone: at most $most with UV_THREADPOOL_SIZE $threads, in order',
    async ({ threads, most }) => {
      const bench = new Workbench(await limitersFor(threads))
      const names = Array.from({ length: 20 }, (_, i) => `call ${i}`)
      const results = Promise.all(names.map(name => bench.begin(name, 1)))
      await settle()

      for (let ended = 0; ended < names.length; ended++) {
        expect(bench.started).toEqual(names.slice(0, ended + most))
        expect(bench.running).toHaveLength(Math.min(most, names.length - ended))
        await bench.end(bench.running.at(-1)!)
      }
      expect(await results).toEqual(names)
    }
  )
})

describe('bytes at once', () => {
  test('are at most 64 MiB', async () => {
    const bench = new Workbench(await limitersFor('5'))
    void bench.begin('half', 32 * MIB)
    void bench.begin('other half', 32 * MIB)
    void bench.begin('one byte', 1)
    await settle()
    expect(bench.running).toEqual(['half', 'other half'])
    expect(bench.bytes).toBe(64 * MIB)

    await bench.end('half')
    expect(bench.running).toEqual(['other half', 'one byte'])
  })

  test('are never more, whatever the sizes and the order in which calls end', async () => {
    const bench = new Workbench(await limitersFor('5'))
    const sizes = [40, 30, 20, 10, 64, 1, 1, 1, 1, 63, 2, 33, 33, 5, 50, 14].map(mib => mib * MIB)
    const results = Promise.all(sizes.map((size, i) => bench.begin(String(i), size)))
    await settle()
    for (let ended = 0; ended < sizes.length; ended++) {
      expect(bench.running.length).toBeGreaterThan(0)
      expect(bench.running.length).toBeLessThanOrEqual(4)
      expect(bench.bytes).toBeLessThanOrEqual(64 * MIB)
      await bench.end(bench.running[ended % bench.running.length]!)
    }
    expect(bench.started).toEqual(sizes.map((_, i) => String(i)))
    expect(await results).toHaveLength(sizes.length)
  })

  test('a larger call is let in alone', async () => {
    const bench = new Workbench(await limitersFor('5'))
    void bench.begin('small', 1)
    void bench.begin('large', 1000 * MIB)
    void bench.begin('behind', 1)
    await settle()
    expect(bench.running).toEqual(['small'])
    await bench.end('small')
    expect(bench.running).toEqual(['large'])
    await bench.end('large')
    expect(bench.running).toEqual(['behind'])
  })

  test('a larger call need not wait when nothing runs', async () => {
    const bench = new Workbench(await limitersFor('5'))
    void bench.begin('large', 1000 * MIB)
    void bench.begin('behind', 1)
    await settle()
    expect(bench.running).toEqual(['large'])
  })
})

test('a call that would fit does not overtake one that waits', async () => {
  const bench = new Workbench(await limitersFor('5'))
  void bench.begin('first', 60 * MIB)
  void bench.begin('waits', 10 * MIB)
  void bench.begin('would fit', 1)
  await settle()
  expect(bench.running).toEqual(['first'])
  await bench.end('first')
  expect(bench.started).toEqual(['first', 'waits', 'would fit'])
})

describe('a call that fails', () => {
  test('rejects with its own error and gives its place back', async () => {
    const bench = new Workbench(await limitersFor('3'))
    const failing = bench.begin('failing', 64 * MIB)
    void bench.begin('next', 64 * MIB)
    await settle()
    await Promise.all([expect(failing).rejects.toThrow('no luck'), bench.end('failing', new Error('no luck'))])
    expect(bench.running).toEqual(['next'])
  })

  test('gives its place back when it throws before it returns a promise', async () => {
    const { compressing } = await limitersFor('3')
    for (let i = 0; i < 10; i++) await expect(compressing(64 * MIB, throwing)).rejects.toThrow('at once')
    expect(await compressing(64 * MIB, async () => 'works')).toBe('works')
  })
})

test('a place that was given back serves calls made much later', async () => {
  const bench = new Workbench(await limitersFor('3'))
  for (const round of ['a', 'b', 'c']) {
    const names = [1, 2, 3, 4].map(i => `${round}${i}`)
    const results = Promise.all(names.map(name => bench.begin(name, 20 * MIB)))
    await settle()
    while (bench.running.length > 0) await bench.end(bench.running[0]!)
    expect(await results).toEqual(names)
  }
})

describe('restores and compressions', () => {
  test.each([
    { threads: '2', order: 'r0 c0 r1 c1 r2 c2 r3 c3' },
    { threads: '4', order: 'r0 r1 r2 c0 r3 c1 c2 c3' }
  ])('that wait take turns, with UV_THREADPOOL_SIZE $threads', async ({ threads, order }) => {
    const bench = new Workbench(await limitersFor(threads))
    const results = [0, 1, 2, 3].map(i => bench.beginRestore(`r${i}`, 1))
    results.push(...[0, 1, 2, 3].map(i => bench.begin(`c${i}`, 1)))
    await settle()
    while (bench.running.length > 0) await bench.end(bench.running[0]!)
    expect(bench.started.join(' ')).toBe(order)
    await Promise.all(results)
  })

  test.each([
    { many: 'restores', one: 'a compression', kinds: ['beginRestore', 'begin'] as const },
    { many: 'compressions', one: 'a restore', kinds: ['begin', 'beginRestore'] as const }
  ])('$one starts as soon as a call ends, however many $many wait', async ({ kinds: [many, one] }) => {
    const bench = new Workbench(await limitersFor('4'))
    for (let i = 0; i < 10; i++) void bench[many](`one of many ${i}`, 1)
    void bench[one]('one', 1)
    for (let i = 10; i < 20; i++) void bench[many](`one of many ${i}`, 1)
    await settle()
    expect(bench.running).toEqual(['one of many 0', 'one of many 1', 'one of many 2'])
    await bench.end('one of many 1')
    expect(bench.running).toEqual(['one of many 0', 'one of many 2', 'one'])
  })

  test('go on while the other kind waits for memory, whose turn is kept', async () => {
    const bench = new Workbench(await limitersFor('5'))
    void bench.begin('c0', 60 * MIB)
    void bench.begin('c1', 60 * MIB)
    for (let i = 0; i < 6; i++) void bench.beginRestore(`r${i}`, 1)
    await settle()
    expect(bench.running).toEqual(['c0', 'r0', 'r1', 'r2'])
    await bench.end('r0')
    expect(bench.running).toEqual(['c0', 'r1', 'r2', 'r3'])
    await bench.end('c0')
    expect(bench.running).toEqual(['r1', 'r2', 'r3', 'c1'])
  })

  test('share the threads, and have 64 MiB each, whatever the sizes and the order in which calls end', async () => {
    const bench = new Workbench(await limitersFor('5'))
    const sizes = [40, 30, 20, 10, 64, 1, 1, 1, 1, 63, 2, 33, 33, 5, 50, 14].map(mib => mib * MIB)
    const results = Promise.all(
      sizes.flatMap((size, i) => [bench.begin(`c${i}`, size), bench.beginRestore(`r${i}`, size)])
    )
    await settle()
    for (let ended = 0; ended < 2 * sizes.length; ended++) {
      expect(bench.running.length).toBeGreaterThan(0)
      expect(bench.running.length).toBeLessThanOrEqual(4)
      expect(bench.bytesOf('c')).toBeLessThanOrEqual(64 * MIB)
      expect(bench.bytesOf('r')).toBeLessThanOrEqual(64 * MIB)
      await bench.end(bench.running[ended % bench.running.length]!)
    }
    for (const kind of ['c', 'r']) {
      expect(bench.started.filter(name => name.startsWith(kind))).toEqual(sizes.map((_, i) => `${kind}${i}`))
    }
    expect(await results).toHaveLength(2 * sizes.length)
  })
})
