import { describe, expect, it } from 'vitest'
import type { WalOptions } from '../../../src/wal/options.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { failing } from '../../support/intercept.js'
import { contents, contentsOf, killed, logOn, memoryLevel, openLogged, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'

const IO_ERROR = { code: 'LEVEL_IO_ERROR' }

interface Setup {
  readonly store: Store
  readonly disk: CrashableFileSystem
  readonly fs: FaultyFileSystem
  readonly backend: PermanentMemoryLevel
}

/** A store that holds 'a', on a disk that can be told to fail. */
async function setUp(options: WalOptions = {}): Promise<Setup> {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const backend = new PermanentMemoryLevel()
  const store = await openLogged(logOn(fs, { segmentBytes: 1 << 20, ...options }), backend)
  await store.put('a', Buffer.from('A'))
  return { store, disk, fs, backend }
}

const afterClose = ({ disk, backend }: Setup) => contentsOf(logOn(disk), new PermanentMemoryLevel(backend.disk))
const afterKill = ({ disk, backend }: Setup) =>
  contentsOf(logOn(killed(disk)), new PermanentMemoryLevel(backend.disk.clone()))
const keysOf = (entries: readonly [string, string][]) => entries.map(([key]) => key).join('')

const writes: [string, (store: Store) => Promise<void>][] = [
  ['put', store => store.put('k', noise(500))],
  ['del', store => store.del('a')],
  [
    'batch',
    store =>
      store.batch([
        { type: 'del', key: 'a' },
        { type: 'put', key: 'k', value: noise(500) }
      ])
  ],
  ['clear', store => store.clear()],
  ['clear with a limit', store => store.clear({ limit: 1 })]
]

describe.each(writes)('a %s that the log cannot take', (_, write) => {
  it.each(['ENOSPC', 'EIO'])('for %s is rejected, leaves the backend alone, and later writes work', async code => {
    const made = await setUp()
    const { store, fs, backend } = made
    const before = backend.disk.batches.length
    fs.fail('write', { code })
    await expect(write(store)).rejects.toMatchObject({ code })
    expect(backend.disk.batches.length).toBe(before)
    expect(await contents(store)).toEqual([['a', 'A']])
    await store.put('b', Buffer.from('B'))
    const expected = [
      ['a', 'A'],
      ['b', 'B']
    ]
    expect(await contents(store)).toEqual(expected)
    expect(await afterKill(made)).toEqual(expected)
    await store.close()
    expect(await afterClose(made)).toEqual(expected)
  })

  it('and cannot undo is rejected, and so is every later write; reads work, close resolves, and it opens again', async () => {
    const made = await setUp()
    const { store, fs } = made
    fs.fail('write', { code: 'EIO' })
    fs.fail('truncate', { code: 'EIO' })
    await expect(write(store)).rejects.toMatchObject(IO_ERROR)
    await expect(store.put('b', Buffer.from('B'))).rejects.toMatchObject(IO_ERROR)
    await expect(store.batch([{ type: 'del', key: 'a' }])).rejects.toMatchObject(IO_ERROR)
    await expect(store.clear()).rejects.toMatchObject(IO_ERROR)
    await expect(store.sync()).rejects.toMatchObject(IO_ERROR)
    expect(await contents(store)).toEqual([['a', 'A']])
    expect(await afterKill(made)).toEqual([['a', 'A']])
    await store.close()
    expect(await afterClose(made)).toEqual([['a', 'A']])
    const again = await openLogged(logOn(made.disk), new PermanentMemoryLevel(made.backend.disk))
    await again.put('b', Buffer.from('B'))
    await again.close()
    expect(keysOf(await afterClose(made))).toBe('ab')
  })
})

describe('a disk that is full', () => {
  it.each([10, 300, 700, 1500, 4000])(
    'after %d bytes more rejects what does not fit; what was acknowledged before, and after there is room again, is there',
    async room => {
      for (const segmentBytes of [1300, 1 << 20]) {
        const made = await setUp({ segmentBytes })
        const { store, fs, disk } = made
        fs.capacity(disk.paths().reduce((sum, path) => sum + disk.file(path).length, 0) + room)
        const expected = ['a']
        for (let i = 0; i < 12; i++) {
          const put = store.put(`f${String(i).padStart(2, '0')}`, noise(400, i + 1))
          await put.then(
            () => expected.push(`f${String(i).padStart(2, '0')}`),
            (error: unknown) => expect(error).toMatchObject({ code: 'ENOSPC' })
          )
        }
        fs.capacity(Infinity)
        await store.put('z', Buffer.from('Z'))
        expected.push('z')
        expect(await store.keys().all()).toEqual(expected)
        expect(keysOf(await afterKill(made))).toBe(expected.join(''))
        await store.close()
        expect(keysOf(await afterClose(made))).toBe(expected.join(''))
      }
    }
  )

  it('rejects one of several at once and takes the others, in order', async () => {
    const made = await setUp()
    const { store, fs, disk } = made
    fs.capacity(disk.paths().reduce((sum, path) => sum + disk.file(path).length, 0) + 2500)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => store.put(`f${i}`, noise(900, i + 1)))
    )
    const kept = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [`f${i}`] : []))
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
    expect(await store.keys().all()).toEqual(['a', ...kept])
    fs.capacity(Infinity)
    await store.close()
    expect(keysOf(await afterClose(made))).toBe(['a', ...kept].join(''))
  })
})

describe('an fsync that fails', () => {
  it('rejects the write that waited for it, and everything later, for good', async () => {
    const made = await setUp({ fsync: 'always' })
    const { store, fs, backend } = made
    const before = backend.disk.batches.length
    fs.fail('sync', { code: 'EIO' })
    await expect(store.put('b', Buffer.from('B'))).rejects.toMatchObject(IO_ERROR)
    await expect(store.put('c', Buffer.from('C'))).rejects.toMatchObject(IO_ERROR)
    await expect(store.sync()).rejects.toMatchObject(IO_ERROR)
    expect(backend.disk.batches.length).toBe(before)
    expect(await contents(store)).toEqual([['a', 'A']])
    await store.close()
    // 'b' was written, and nobody was told how it ended; 'c' was not.
    expect(['a', 'ab']).toContain(keysOf(await afterClose(made)))
  })

  it('over memory-level: what was acknowledged is there after opening again', async () => {
    const disk = new CrashableFileSystem()
    const fs = new FaultyFileSystem(disk)
    const store = await openLogged(logOn(fs, { fsync: 'always' }))
    await store.put('a', Buffer.from('A'))
    fs.fail('sync', { code: 'EIO' })
    await expect(store.put('b', Buffer.from('B'))).rejects.toMatchObject(IO_ERROR)
    expect(await contents(store)).toEqual([['a', 'A']])
    await store.close()
    expect((await contentsOf(logOn(disk))).slice(0, 1)).toEqual([['a', 'A']])
  })

  it("with fsync: 'interval' refuses writes from then on, and close resolves", async () => {
    const made = await setUp({ fsync: 'interval', fsyncIntervalMs: 1 })
    const { store, fs } = made
    fs.fail('sync', { code: 'EIO', times: Infinity })
    const acknowledged = ['a'] // The timer for this one may fire before any of those below.
    await expect(
      (async () => {
        for (let i = 100; i < 1000; i++) {
          await store.put(`k${i}`, Buffer.of(1))
          acknowledged.push(`k${i}`)
          await new Promise(resolve => setTimeout(resolve, 1))
        }
      })()
    ).rejects.toMatchObject(IO_ERROR)
    await expect(store.put('later', Buffer.of(1))).rejects.toMatchObject(IO_ERROR)
    await store.close()
    const kept = (await afterClose(made)).map(([key]) => key)
    expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged)
    expect(kept.slice(acknowledged.length)).not.toContain('later')
  })
})

describe('short writes and other turns', () => {
  it('short writes are written to their end', async () => {
    const made = await setUp()
    const { store, fs } = made
    fs.shortWrites(7)
    await Promise.all(Array.from({ length: 9 }, (_, i) => store.put(`k${i}`, noise(300, i + 1))))
    fs.shortWrites(Infinity)
    const expected = await contents(store)
    expect(expected.length).toBe(10)
    expect(await afterKill(made)).toEqual(expected)
  })

  it('a segment that cannot be created rejects the write, and the next one tries again', async () => {
    const made = await setUp({ segmentBytes: 1300 })
    const { store, fs } = made
    await store.put('b', noise(1000))
    fs.fail('open', { code: 'EMFILE' })
    await expect(store.put('c', noise(1000, 2))).rejects.toMatchObject({ code: 'EMFILE' })
    await store.put('d', noise(1000, 3))
    expect(keysOf(await afterKill(made))).toBe('abd')
  })

  it('a log that cannot be read does not open, and nothing is cut', async () => {
    const made = await setUp()
    await made.store.close()
    const before = made.disk.paths().map(path => made.disk.file(path).toString('hex'))
    const fs = new FaultyFileSystem(made.disk)
    fs.fail('read', { code: 'EIO' })
    await expect(openLogged(logOn(fs), new PermanentMemoryLevel(made.backend.disk))).rejects.toMatchObject({
      cause: { code: 'EIO' }
    })
    expect(made.disk.paths().map(path => made.disk.file(path).toString('hex'))).toEqual(before)
    expect(await afterClose(made)).toEqual([['a', 'A']])
  })

  it('a log that cannot be replayed is told, also where it cannot be closed', async () => {
    for (const backend of [new PermanentMemoryLevel(), memoryLevel()]) {
      const disk = new CrashableFileSystem()
      const store = await openLogged(logOn(disk), backend, { memtable: { flushIntervalMs: Infinity } })
      await store.put('a', Buffer.from('A'))
      const fs = new FaultyFileSystem(killed(disk))
      const again =
        backend instanceof PermanentMemoryLevel ? new PermanentMemoryLevel(backend.disk.clone()) : memoryLevel()
      failing(again, ['_batch'], new Error('the backend takes nothing'))
      fs.fail('remove', { code: 'EACCES', after: 1, path: /LOCK$/ }) // The first is that of the one that was killed.
      await expect(openLogged(logOn(fs), again)).rejects.toMatchObject({
        cause: { message: 'the backend takes nothing' }
      })
      await store.close()
    }
  })

  it('a directory that cannot be made is LEVEL_IO_ERROR, and the backend is closed again', async () => {
    const fs = new FaultyFileSystem(new CrashableFileSystem())
    fs.fail('makeDirectory', { code: 'EACCES' })
    const backend = memoryLevel()
    await expect(openLogged(logOn(fs), backend)).rejects.toMatchObject({ cause: { code: 'LEVEL_IO_ERROR' } })
    expect(backend.status).toBe('closed')
  })

  it('segments that cannot be deleted are told, kept, and deleted later', async () => {
    const made = await setUp({ segmentBytes: 1300 })
    const { store, fs } = made
    fs.fail('remove', { code: 'EBUSY', times: 2, path: /\.wal$/ })
    for (let i = 0; i < 3; i++) await store.put(`k${i}`, noise(1000, i + 1))
    expect(store.stats().wal!.lastGcError).toMatchObject({ code: 'EBUSY' })
    for (let i = 3; i < 6; i++) await store.put(`k${i}`, noise(1000, i + 1))
    await store.close()
    expect(made.disk.paths().filter(path => path.endsWith('.wal')).length).toBe(1)
    expect((await afterClose(made)).length).toBe(7)
  })
})
