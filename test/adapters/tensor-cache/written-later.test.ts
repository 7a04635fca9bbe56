import type * as timers from 'node:timers'
import { beforeEach, expect, it, vi } from 'vitest'
import { failing, WRITES } from '../../support/intercept.js'
import { turns } from '../../support/turns.js'
import { layersOf, memoryBackend, memoryStore, tinyCache, tokens } from './tensors.js'

const SOON_MS = 10_000

/** Timers of that time which run, and what each will do. */
const running = new Map<NodeJS.Timeout, () => void>()

vi.mock('node:timers', async original => {
  const actual = await original<typeof timers>()
  const begin = (act: () => void, ms: number) => {
    const timer = actual.setTimeout(act, ms)
    if (ms === SOON_MS) running.set(timer, act)
    return timer
  }
  const end = (timer: NodeJS.Timeout | undefined) => {
    running.delete(timer!)
    actual.clearTimeout(timer)
  }
  return { ...actual, setTimeout: begin, clearTimeout: end }
})

/** Lets that time pass. */
async function pass(): Promise<void> {
  const due = [...running]
  running.clear()
  for (const [, act] of due) act()
  await turns()
}

beforeEach(() => running.clear())

it('when chunks were used is written within ten seconds, after each use', async () => {
  const store = memoryStore()
  const cache = tinyCache(store)
  for (const first of [0, 100]) await cache.putPrefix(tokens(4, first), layersOf(1))
  for (let n = 0; n < 4; n++) {
    expect(running.size).toBe(1)
    const { calls } = store.stats().writes
    await pass()
    expect(store.stats().writes.calls).toBe(calls + 1)
    expect(running.size).toBe(0)
    await cache.getPrefix(tokens(4, (n % 2) * 100))
  }
  await cache.flush()
  expect(running.size).toBe(0)
  await cache.getPrefix(tokens(4))
  expect(running.size).toBe(1)
  await store.close()
})

it('what could not be written is written later, and a failure is nobody’s', async () => {
  const backend = memoryBackend()
  const store = memoryStore(backend)
  const cache = tinyCache(store)
  await cache.putPrefix(tokens(4), layersOf(1))
  const release = failing(backend, WRITES, new Error('disk'))
  await pass()
  release()
  const { calls } = store.stats().writes
  await pass()
  expect(store.stats().writes.calls).toBe(calls + 1)
  await store.close()
})

it('nothing waits to be written when the store is closed, even if a chunk is read meanwhile', async () => {
  const store = memoryStore()
  const cache = tinyCache(store)
  await cache.putPrefix(tokens(4), layersOf(1))
  const reading = cache.getPrefix(tokens(4)).catch(() => {})
  await store.close()
  await reading
  expect(running.size).toBe(0)
})
