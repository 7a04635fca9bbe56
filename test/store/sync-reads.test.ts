import { ClassicLevel } from 'classic-level'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { SyncReads } from '../../src/store/reading/sync-reads.js'
import { failures } from '../support/failures.js'
import { Gate } from '../support/gate.js'
import { intercept } from '../support/intercept.js'
import { openStore, type Backend, type Store } from '../support/memory-store.js'
import { MARKER_KEY } from '../support/reserved.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { turns } from '../support/turns.js'
import { openWriteBack } from './write-back/write-back-store.js'

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

/** Five gets that wait for a turn, in which each of their reads takes `readMs`. */
async function fiveWaiting(readMs = 0) {
  const opened = await storeWithClock()
  await getInTurn(opened.store, FIRST_GETS + 1)
  opened.pass(1)
  const reads = countSyncReads(opened.backend, () => opened.pass(readMs))
  const gets = Array.from({ length: 5 }, () => opened.store.get('key'))
  expect(reads.count).toBe(0)
  return { ...opened, reads, gets }
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

  it('is answered by another thread where a read on this one fails', async () => {
    const { store, backend } = await storeWithClock()
    await getInTurn(store, FIRST_GETS)
    const reads = countSyncReads(backend, () => {
      throw new Error('this backend has no getSync()')
    })
    expect(await store.get('key')).toEqual(VALUE)
    await getInTurn(store, FIRST_GETS - 1)
    expect(reads.count).toBe(1)
    expect(await store.get('key')).toEqual(VALUE)
    expect(reads.count).toBe(2)
  })

  it('rejects with the error of a get where the backend cannot read at all', async () => {
    const { store, backend } = await storeWithClock()
    await getInTurn(store, FIRST_GETS)
    countSyncReads(backend, () => {
      throw new Error('a block is broken')
    })
    intercept(backend, ['_get'], () => Promise.reject(new Error('block 7 is broken')))
    await expect(store.get('key')).rejects.toThrow('block 7 is broken')
    await store.close() // Nothing is left under way.
  })
})

describe('gets that wait for a turn of the event loop', () => {
  const FIVE_VALUES = Array.from({ length: 5 }, () => VALUE)

  it('are read in the next one', async () => {
    const { reads, gets } = await fiveWaiting()
    await turns(2)
    expect(reads.count).toBe(5)
    expect(await Promise.all(gets)).toEqual(FIVE_VALUES)
  })

  it('go to other threads after a slow one among them', async () => {
    const { reads, gets } = await fiveWaiting(10)
    expect(await Promise.all(gets)).toEqual(FIVE_VALUES)
    expect(reads.count).toBe(1)
  })

  it('are answered before the store closes', async () => {
    const { store, gets } = await fiveWaiting()
    await store.close()
    expect(await Promise.all(gets)).toEqual(FIVE_VALUES)
  })

  it('are rejected when the backend closes by itself, and the store closes with it', async () => {
    const { store, backend, gets } = await fiveWaiting()
    const [errors] = await Promise.all([failures(gets), backend.close()])
    expect(errors).toEqual(gets.map(() => expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' })))
    expect(store.status).toBe('closed')
  })
})

/** Gets all of them at once, with keys that are changed before any of them is answered. */
async function getAll(store: Store, names: string): Promise<string> {
  const keys = Array.from(names, name => Buffer.from(name))
  const gets = keys.map(key => store.get(key as never, { keyEncoding: 'buffer' } as object))
  for (const key of keys) key.fill('z')
  return (await Promise.all(gets)).map(String).join('')
}

async function filled() {
  const opened = await storeWithClock()
  for (const name of 'abcdez') await opened.store.put(name, Buffer.from(name))
  return opened
}

describe('a caller may change its key right after a get', () => {
  it('that waits for others', async () => {
    const { store } = await filled()
    expect(await getAll(store, 'abcde')).toBe('abcde')
  })

  it('that waits for a turn in which it is read on the calling thread', async () => {
    const { store, backend, pass } = await filled()
    await getInTurn(store, FIRST_GETS + 1)
    pass(1)
    const reads = countSyncReads(backend)
    expect(await getAll(store, 'abcde')).toBe('abcde')
    expect(reads.count).toBe(5)
  })

  it('that another thread answers, since this one cannot', async () => {
    const { store, backend } = await filled()
    await getInTurn(store, FIRST_GETS)
    countSyncReads(backend, () => {
      throw new Error('not here')
    })
    const gate = new Gate()
    intercept(backend, ['_get'], async ({ proceed }) => {
      await gate.wait()
      return proceed()
    })
    const gets = getAll(store, 'abcde')
    await gate.reached
    gate.open()
    expect(await gets).toBe('abcde')
  })
})

describe('has() of one key', () => {
  it('reads on the calling thread as a get does', async () => {
    const { store, backend } = await storeWithClock()
    const reads = countSyncReads(backend)
    for (let i = 0; i < FIRST_GETS; i++) expect(await store.has('key')).toBe(true)
    expect(reads.count).toBe(0)
    expect(await store.has('key')).toBe(true)
    expect(await store.has('nothing')).toBe(false)
    expect(reads.count).toBe(2)
  })

  it('does not see there what has expired', async () => {
    const { store, backend } = await storeWithClock()
    await store.put('short', VALUE, { ttl: 1000 })
    await getInTurn(store, FIRST_GETS)
    const reads = countSyncReads(backend)
    expect(await store.has('short')).toBe(true)
    const now = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(now + 1001)
    expect(await store.has('short')).toBe(false)
    expect(reads.count).toBe(2)
  })

  it('sees there no reserved key, and nothing that a snapshot does not have', async () => {
    const { store } = await storeWithClock()
    await getInTurn(store, FIRST_GETS)
    const snapshot = store.snapshot()
    await store.put('later', VALUE)
    await store.del('key')
    expect([await store.has('key'), await store.has('later')]).toEqual([false, true])
    expect([await store.has('key', { snapshot }), await store.has('later', { snapshot })]).toEqual([true, false])
    await snapshot.close()
    expect(await store.has(MARKER_KEY, { keyEncoding: 'buffer' } as object)).toBe(false)
  })

  it('sees what tables have before what the backend has', async () => {
    const { store, backend } = await openWriteBack()
    await store.put('key', VALUE)
    await store.flush()
    await getInTurn(store, FIRST_GETS)
    const reads = countSyncReads(backend)
    await store.del('key')
    await store.put('new', VALUE)
    expect([await store.has('key'), await store.has('new'), await store.has('nothing')]).toEqual([false, true, false])
    expect(reads.count).toBe(1)
  })

  it('asks the backend where that cannot read there', async () => {
    const { store, backend } = await storeWithClock()
    await getInTurn(store, FIRST_GETS)
    countSyncReads(backend, () => {
      throw new Error('not here')
    })
    expect(await store.has('key')).toBe(true)
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
    for (let i = 0; i < 19; i++) read(0)
    read(0.1)
    expect(elsewhere()).toBe(64 - 19)
    for (let i = 0; i < 20; i++) read(0)
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
