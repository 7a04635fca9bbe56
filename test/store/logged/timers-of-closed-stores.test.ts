import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failing, WRITES } from '../../support/intercept.js'
import { logOn, openLogged, type StoreOptions } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'

// The store's timers are those of node:timers, which fake ones do not replace.
vi.mock(import('node:timers'), async original => ({
  ...(await original()),
  setTimeout: ((callback: () => void, ms: number) => setTimeout(callback, ms)) as typeof setTimeout,
  setInterval: ((callback: () => void, ms: number) => setInterval(callback, ms)) as typeof setInterval,
  clearTimeout: ((timer: NodeJS.Timeout) => clearTimeout(timer)) as typeof clearTimeout,
  clearInterval: ((timer: NodeJS.Timeout) => clearInterval(timer)) as typeof clearInterval
}))

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

const modes: [string, StoreOptions][] = [
  ['with a MemTable', { memtable: { flushIntervalMs: 100_000 } }],
  ['without one', { memtable: false }]
]

// One that was left would delete segments of a log that another store has since, or write to its backend.
it.each(modes)('of a store %s no timer is left when it is closed', async (_, options) => {
  const store = await openLogged(
    logOn(new CrashableFileSystem(), { fsync: 'interval', fsyncIntervalMs: 100_000 }),
    new PermanentMemoryLevel(),
    { ...options, gc: { intervalMs: 100_000 } }
  )
  await store.put('k', Buffer.from('K'))
  expect(vi.getTimerCount()).toBeGreaterThanOrEqual(3) // Sweeps, fsyncs, and segments to be deleted.
  await store.close()
  expect(vi.getTimerCount()).toBe(0)
})

it('of a store whose flushes fail none is left either', async () => {
  const backend = new PermanentMemoryLevel()
  const store = await openLogged(logOn(new CrashableFileSystem()), backend, { memtable: { flushIntervalMs: 100_000 } })
  await store.put('k', Buffer.from('K'))
  failing(backend, WRITES, new Error('refused'))
  await expect(store.flush()).rejects.toThrow('refused')
  await store.close()
  expect(vi.getTimerCount()).toBe(0)
})
