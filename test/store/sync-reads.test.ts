import { ClassicLevel } from 'classic-level'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { SyncReads } from '../../src/store/reading/sync-reads.js'
import { openStore, type Backend, type Store } from '../support/memory-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const FIRST_GETS = 20
const VALUE = Buffer.from('a value')

afterEach(() => {
  vi.restoreAllMocks()
})

/** Counts the gets that read on the calling thread. */
function countSyncReads(backend: object, before: () => void = () => {}): { count: number } {
  const target = backend as { _getSync: (...args: unknown[]) => unknown }
  const original = target._getSync
  const counted = { count: 0 }
  target._getSync = (...args) => {
    counted.count++
    before()
    return original.apply(backend, args)
  }
  return counted
}

async function getInTurn(store: Store, times: number, key = 'key'): Promise<void> {
  for (let i = 0; i < times; i++) await store.get(key)
}

/** A store with one value, whose clock stands still until it is moved. */
async function storeWithClock(value = VALUE): Promise<{ store: Store; backend: Backend; pass: (ms: number) => void }> {
  const opened = await openStore({ codec: 'none' })
  await opened.store.put('key', value)
  let now = 1
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  return { ...opened, pass: ms => (now += ms) }
}

function readsWithClock() {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const reads = new SyncReads()
  return {
    read: (ms: number) => {
      now = 0 // For exact differences.
      reads.read(() => void (now = ms))
    },
    /** How many gets go elsewhere before the next one reads here. */
    elsewhere: () => {
      let gets = 0
      while (!reads.mayRead()) gets++
      return gets
    }
  }
}

describe('a get that is alone', () => {
  it('reads on the calling thread, once the first have shown that values are small', async () => {
    const { store, backend } = await storeWithClock()
    const reads = countSyncReads(backend)
    await getInTurn(store, FIRST_GETS)
    expect(reads.count).toBe(0)
    await getInTurn(store, 10)
    expect(reads.count).toBe(10)
    expect(await store.get('key')).toEqual(VALUE)
    expect(await store.get('nothing')).toBeUndefined()
  })

  it('goes to another thread after a slow one, as often as trips would have fitted into it', async () => {
    const { store, backend, pass } = await storeWithClock()
    await getInTurn(store, FIRST_GETS)
    const reads = countSyncReads(backend, () => pass(10))
    await getInTurn(store, 201)
    expect(reads.count).toBe(1)
    await getInTurn(store, 1)
    expect(reads.count).toBe(2)
  })

  it('goes to another thread where values are large', async () => {
    const { store, backend } = await storeWithClock(Buffer.alloc(128 * 1024, 'large'))
    const reads = countSyncReads(backend)
    await getInTurn(store, 10 * FIRST_GETS)
    expect(reads.count).toBe(0)
  })

  it('rejects where the backend cannot read', async () => {
    const { store, backend } = await storeWithClock()
    await getInTurn(store, FIRST_GETS)
    countSyncReads(backend, () => {
      throw new Error('a block is broken')
    })
    await expect(store.get('key')).rejects.toThrow('a block is broken')
  })
})

describe('gets one after another', () => {
  it('let timers run', async () => {
    const path = temporaryDirectory()
    const store = new CompressedKvStore(new ClassicLevel<string, Buffer>(path, { valueEncoding: 'buffer' }))
    await store.put('key', VALUE)
    await store.flush()
    const reads = countSyncReads(store.backend)
    await getInTurn(store, 10 * FIRST_GETS)
    const timer = vi.fn<() => void>()
    setTimeout(timer, 1)
    for (let i = 0; i < 100_000 && timer.mock.calls.length === 0; i++) await store.get('key')
    expect(timer).toHaveBeenCalled()
    expect(reads.count).toBeGreaterThan(0)
    await store.close()
  })
})

describe('slow reads on the calling thread', () => {
  it('are tried half as often each time', () => {
    const { read, elsewhere } = readsWithClock()
    expect(elsewhere()).toBe(FIRST_GETS)
    const waits = Array.from({ length: 9 }, () => (read(0.1), elsewhere()))
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 128, 128])
  })

  it('count as accidents after a run of quick ones, which pay for them', () => {
    const { read, elsewhere } = readsWithClock()
    elsewhere()
    for (let i = 0; i < 5; i++) read(0.1)
    expect(elsewhere()).toBe(62)
    for (let i = 0; i < 15; i++) read(0)
    read(0.1)
    expect(elsewhere()).toBe(64 - 15)
    for (let i = 0; i < 16; i++) read(0)
    read(0.1)
    expect(elsewhere()).toBe(0)
    for (let i = 0; i < 1000; i++) read(0)
    read(1.05)
    expect(elsewhere()).toBe(1)
  })

  it('are tried again after 20,000 gets however slow they were', () => {
    const { read, elsewhere } = readsWithClock()
    elsewhere()
    read(3_600_000) // The machine slept.
    expect(elsewhere()).toBe(20_000)
  })
})
