import { expect, onTestFinished, test, vi } from 'vitest'
import { Collector } from '../../src/gc/collector.js'
import type { GcHost } from '../../src/gc/host.js'
import { NoGc } from '../../src/gc/no-gc.js'
import { turns } from '../support/turns.js'

/** Has no end of keys, and says when one has been swept. */
function endless(onChunk: () => void): GcHost {
  let next = 0
  return {
    state: Buffer.alloc(0),
    activity: 0,
    opening: () => undefined,
    assertWritable: () => {},
    defaultPolicy: () => new NoGc(),
    settle: async () => {},
    lastKey: async () => Buffer.from('z'),
    chunk: async () => ({
      entries: [
        { key: Buffer.from(`k${next++}`), storedBytes: 1e6, expired: false, plain: false, value: undefined, error: 'x' }
      ],
      rewrite: async () => [],
      end: onChunk
    }),
    remember: async () => {},
    finished: async () => {},
    compact: async () => {}
  }
}

/** How many timers that were set from now on keep the process alive. Those of the test runner come and go. */
function countTimers(): () => number {
  const pending = new Set<NodeJS.Timeout>()
  const { setTimeout, clearTimeout } = globalThis
  vi.stubGlobal('setTimeout', (callback: () => void, ms: number) => {
    const timer = setTimeout(() => (pending.delete(timer), callback()), ms)
    pending.add(timer)
    return timer
  })
  vi.stubGlobal('clearTimeout', (timer: NodeJS.Timeout) => (pending.delete(timer), clearTimeout(timer)))
  onTestFinished(() => void vi.unstubAllGlobals())
  return () => [...pending].filter(timer => timer.hasRef()).length
}

test('a sweep in the background that rests keeps the process alive only while a call waits for it', async () => {
  let swept!: () => void
  const chunk = new Promise<void>(resolve => (swept = resolve))
  const collector = new Collector(
    endless(() => swept()),
    { policy: undefined, intervalMs: 1, bytesPerSecond: 1 },
    () => {}
  )
  const timers = countTimers()
  const background = collector.runInBackground()
  await chunk
  await turns(3)
  expect(timers()).toBe(0)
  const abort = new AbortController()
  const call = collector.run({ signal: abort.signal })
  expect(timers()).toBe(1)
  abort.abort() // The call's own sweep, when it comes to it.
  await collector.stop()
  await background
  expect(await call).toMatchObject({ complete: false })
  expect(timers()).toBe(0)
})

test('a call that waits for another sweep resolves when its signal is aborted, and no longer keeps the process alive', async () => {
  let swept!: () => void
  const chunk = new Promise<void>(resolve => (swept = resolve))
  const settings = { policy: undefined, intervalMs: 1, bytesPerSecond: 1 }
  const collector = new Collector(
    endless(() => swept()),
    settings,
    () => {}
  )
  const timers = countTimers()
  const background = collector.runInBackground()
  await chunk
  const abort = new AbortController()
  const calls = [collector.run({ signal: abort.signal }), collector.run({ signal: AbortSignal.abort() })]
  await turns(3)
  abort.abort()
  for (const call of calls) expect(await call).toMatchObject({ scanned: 0, complete: false })
  expect(collector.isRunning).toBe(true)
  expect(timers()).toBe(0)
  await collector.stop()
  await background
})
