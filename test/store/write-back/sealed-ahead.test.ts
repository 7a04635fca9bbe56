import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Gate } from '../../support/gate.js'
import { intercept, WRITES } from '../../support/intercept.js'
import { contents, type Store } from '../../support/logged-store.js'
import type { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { text } from '../../support/sample-values.js'
import { turns } from '../../support/turns.js'
import { deflate } from '../../support/user-codecs.js'
import { afterKill, BACKENDS, ENTRY_BYTES, holdWrites, keysIn, NEVER, openWriteBack } from './write-back-store.js'

const VALUE = text(600)
const FLUSH_BYTES = 2 * (ENTRY_BYTES + 2 + VALUE.length)
const NO_SPACE = new Error('no space left')

/** A codec that tells how many values it has compressed. */
function counting() {
  const codec = { ...deflate, count: 0 }
  codec.compressSync = data => {
    codec.count++
    return deflate.compressSync!(data)
  }
  return codec
}

/** The first write of all writes the marker as well. */
async function begin(store: Store): Promise<void> {
  await store.put('first', VALUE)
  await store.flush()
}

/** Two full tables: the first is being written, and the backend keeps it waiting; `k1` is in both. */
async function underWay(backendOf: () => PermanentMemoryLevel) {
  const codec = counting()
  const options = { codec, minSize: 0, memtable: { ...NEVER, flushBytes: FLUSH_BYTES } }
  const opened = await openWriteBack(options, backendOf())
  await begin(opened.store)
  codec.count = 0
  const gate = new Gate()
  const outcome: { error: Error | undefined } = { error: undefined }
  const restore = intercept(opened.backend, WRITES, async ({ proceed }) => {
    await gate.wait()
    if (outcome.error !== undefined) throw outcome.error
    return proceed()
  })
  await Promise.all([opened.store.put('k0', VALUE), opened.store.put('k1', VALUE)])
  await Promise.all([opened.store.put('k1', text(601)), opened.store.put('k2', VALUE)])
  await gate.reached
  return { ...opened, gate, codec, outcome, restore }
}

// The store's timers are those of node:timers, which fake ones do not replace.
vi.mock(import('node:timers'), async original => ({
  ...(await original()),
  setTimeout: ((callback: () => void, ms: number) => setTimeout(callback, ms)) as typeof setTimeout,
  clearTimeout: ((timer: NodeJS.Timeout) => clearTimeout(timer)) as typeof clearTimeout
}))

// The clock stands still: a flush that fails would be tried again before a test on a busy machine got that far.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe.each(Object.entries(BACKENDS))('over %s', (_, anyBackend) => {
  const backendOf = anyBackend as () => PermanentMemoryLevel

  it('the next table is sealed while one is written, and written after it', async () => {
    const { store, backend, gate, codec, restore } = await underWay(backendOf)
    await turns(20)
    expect(codec.count).toBe(4)
    expect(await keysIn(backend)).toEqual(['first'])
    const order: string[][] = []
    restore()
    intercept(backend, ['_batch'], ({ args, proceed }) => {
      order.push((args[0] as { key: Buffer }[]).map(({ key }) => String(key)))
      return proceed()
    })
    gate.open()
    await store.flush()
    expect(await keysIn(backend)).toEqual(['first', 'k0', 'k1', 'k2'])
    expect((await store.get('k1'))!.length).toBe(601)
    expect(order.at(-1)!.slice(0, 2)).toEqual(['k1', 'k2'])
    expect(codec.count).toBe(4)
    expect(store.stats().memtable).toMatchObject({ entries: 0, frozen: 0 })
  })

  it('one table at a time, however many are full meanwhile, and all are written', async () => {
    const { store, backend, gate, codec } = await underWay(backendOf)
    for (const key of ['k3', 'k5']) {
      await Promise.all([store.put(key, VALUE), store.put(`${key}b`, VALUE)])
      await turns(20)
    }
    expect(codec.count).toBe(4)
    gate.open()
    await store.flush()
    expect(await keysIn(backend)).toEqual(['first', 'k0', 'k1', 'k2', 'k3', 'k3b', 'k5', 'k5b'])
    expect(store.stats().memtable).toMatchObject({ entries: 0, frozen: 0 })
  })

  it('small tables are not: they are better taken together', async () => {
    const codec = counting()
    const memtable = { ...NEVER, flushBytes: 100 * FLUSH_BYTES }
    const { store, backend } = await openWriteBack({ codec, minSize: 0, memtable }, backendOf())
    await begin(store)
    codec.count = 0
    const gate = holdWrites(backend)
    await store.put('k0', VALUE)
    const flush = store.flush()
    await gate.reached
    for (const key of ['k1', 'k2', 'k3']) {
      await store.put(key, VALUE)
      await store.iterator({ limit: 1 }).all()
    }
    await turns(20)
    expect(codec.count).toBe(1)
    gate.open()
    await flush
    await store.flush()
    expect(await keysIn(backend)).toEqual(['first', 'k0', 'k1', 'k2', 'k3'])
  })

  it('a table that fails takes the next one back with it, and both come later', async () => {
    const opened = await underWay(backendOf)
    const { store, backend, gate, codec, outcome, restore } = opened
    const expected = await contents(store)
    const detached = vi.spyOn(backend, 'detachResource')
    await turns(20)
    const flush = store.flush()
    outcome.error = NO_SPACE
    gate.open()
    await expect(flush).rejects.toBe(NO_SPACE)
    await turns(20)
    expect(detached).toHaveBeenCalledTimes(2) // Neither batch is left open.
    detached.mockRestore()
    expect(await contents(store)).toEqual(expected)
    expect(await contents(await afterKill(opened))).toEqual(expected)
    expect(store.stats().memtable!.flushes.failed).toBe(1)
    restore()
    await store.flush()
    expect(codec.count).toBeGreaterThan(4)
    expect(await keysIn(backend)).toEqual(['first', 'k0', 'k1', 'k2'])
    expect((await store.get('k1'))!.length).toBe(601)
  })

  it('close() writes both', async () => {
    const { store, backend, gate } = await underWay(backendOf)
    const closed = store.close()
    gate.open()
    await closed
    expect(await keysIn(backend)).toEqual(['first', 'k0', 'k1', 'k2'])
  })
})
