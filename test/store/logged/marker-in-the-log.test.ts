import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { EVENTUALLY } from '../../support/eventually.js'
import { failures } from '../../support/failures.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { Gate } from '../../support/gate.js'
import { intercept } from '../../support/intercept.js'
import { contents, contentsOf, killed, logOn, memoryLevel, openLogged } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { HeldCodec } from '../../support/user-codecs.js'

const refuse = () => {
  throw new Error('no')
}

/*
 * Over a backend that keeps nothing, the log alone says how the store's values are to be read: its marker has to be in front of them.
 */
describe('what a memory-level was given is read back as it was', () => {
  it('where the first write of a group does not fit on the disk and a later one does', async () => {
    const disk = new CrashableFileSystem()
    const fs = new FaultyFileSystem(disk)
    const store = await openLogged(logOn(fs, { blockBytes: 1024, segmentBytes: 100_000 }))
    fs.capacity(2000)
    const [big, small] = await Promise.allSettled([
      store.put('big', noise(20_000)),
      store.put('small', Buffer.from('v'))
    ])
    expect([big.status, small.status]).toEqual(['rejected', 'fulfilled'])
    fs.capacity(Infinity)
    expect(await contentsOf(logOn(killed(disk)))).toEqual([['small', 'v']])
    await store.close()
    expect(await contentsOf(logOn(disk))).toEqual([['small', 'v']])
  })

  it('after clears, of which a snapshot was made', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    for (let i = 0; i < 60; i++) await store.clear()
    await store.put('a', Buffer.from('A'))
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual([['a', 'A']])
  })

  it('after clears and the first time to live, for every read', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const fs = new CrashableFileSystem()
      const store = await openLogged(logOn(fs))
      await store.put('a', Buffer.from('A'))
      await Promise.all([
        ...Array.from({ length: 60 }, () => store.clear()),
        store.put('t', Buffer.from('T'), { ttl: 100 })
      ])
      await store.close()
      vi.advanceTimersByTime(101)
      const reopened = await openLogged(logOn(fs))
      expect(await reopened.has('t')).toBe(false)
      expect(await reopened.keys().all()).toEqual([])
      await reopened.close()
    } finally {
      vi.useRealTimers()
    }
  })

  describe.each([false, { flushBytes: 1 }])('with memtable %j', memtable => {
    /** A value is logged, and before the backend has it a first time to live is used, by a call that fails in the end. */
    async function valueBeforeTtl() {
      const fs = new CrashableFileSystem()
      const level = memoryLevel()
      const held = new HeldCodec()
      const store = await openLogged(logOn(fs), level, { memtable })
      const logged = new Gate()
      fs.delaySyncs(() => logged.wait())
      const first = store.put('a', noise(3000), { sync: true })
      await logged.reached
      const flushed = memtable === false ? undefined : once(store, 'flush')
      const second = store.put('t', text(5000), { ttl: 1000, codec: held, onStored: refuse })
      second.catch(() => {}) // It fails later.
      logged.open()
      await first
      await flushed
      const fails = async () => {
        held.open()
        expect(await failures([second])).toMatchObject([{ message: 'no' }])
      }
      return { fs, level, store, fails }
    }

    const expected = [['a', noise(3000).toString('latin1')]]

    it('where a first time to live is used before the backend has a value', async () => {
      const { fs, level, store, fails } = await valueBeforeTtl()
      await fails()
      await store.close()
      expect(await contentsOf(logOn(fs), level)).toEqual(expected)
    })

    it('where a snapshot is made then', async () => {
      const { fs, store, fails } = await valueBeforeTtl()
      await vi.waitFor(() => expect(fs.paths()).not.toContain('/log/000001.wal'), EVENTUALLY)
      expect(await contentsOf(logOn(killed(fs)))).toEqual(expected)
      await fails()
      await store.close()
      expect(await contentsOf(logOn(fs))).toEqual(expected)
    })
  })

  it('where it held a store without a log before', async () => {
    const fs = new CrashableFileSystem()
    const level = memoryLevel()
    const before = await openLogged(false, level)
    await before.put('a', Buffer.from('A'))
    await before.close()
    const store = await openLogged(logOn(fs), level)
    await store.put('b', Buffer.from('B'))
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual([
      ['a', 'A'],
      ['b', 'B']
    ])
    expect(await contentsOf(logOn(fs), level)).toEqual([
      ['a', 'A'],
      ['b', 'B']
    ])
  })

  it('where its log is moved to another directory', async () => {
    const fs = new CrashableFileSystem()
    const level = memoryLevel()
    const before = await openLogged(logOn(fs), level)
    await before.put('a', Buffer.from('A'))
    await before.close()
    const elsewhere = new CrashableFileSystem()
    const store = await openLogged(logOn(elsewhere), level)
    expect(await contents(store)).toEqual([['a', 'A']])
    await store.close()
    expect(await contentsOf(logOn(elsewhere))).toEqual([['a', 'A']])
  })
})

describe('a clear that the backend refuses', () => {
  it.each([{}, { limit: 1 }])('%j says that its outcome is unknown, and does not come about later', async options => {
    const fs = new CrashableFileSystem()
    const level = memoryLevel()
    const store = await openLogged(logOn(fs), level)
    await store.put('a', Buffer.from('A'))
    const restore = intercept(level, ['_clear', '_batch'] as never, () => Promise.reject(new Error('broken')))
    await expect(store.clear(options)).rejects.toMatchObject({ code: 'CKV_OUTCOME_UNKNOWN' })
    restore()
    expect(await contents(store)).toEqual([['a', 'A']])
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual([['a', 'A']])
  })
})
