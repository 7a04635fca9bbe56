import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import {
  contents,
  contentsOf,
  imageOf,
  killed,
  LOG,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  refusal,
  type Store
} from '../../support/logged-store.js'
import { openStore } from '../../support/memory-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { MARKER_KEY } from '../../support/reserved.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { HeldCodec } from '../../support/user-codecs.js'

/** The records of a store's log, but for its own. */
async function logged(store: Store, from?: number): Promise<string[]> {
  const lines: string[] = []
  for await (const { record } of store.wal!.read(from === undefined ? {} : { from })) {
    if (record.key.equals(MARKER_KEY)) continue
    lines.push(`${record.kind} ${record.key.toString()} ${record.value?.toString('latin1') ?? ''}`.trim())
  }
  return lines
}

describe('db.wal', () => {
  it('reads the writes in order, values decoded', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()), new PermanentMemoryLevel(), { minSize: 0 })
    await store.put('a', text(300), { codec: 'zstd' })
    await store.batch([
      { type: 'put', key: 'b', value: Buffer.from('B') },
      { type: 'del', key: 'a' }
    ])
    await store.clear({ gte: 'x', lt: 'z' })
    await store.put('large', text(200_000))
    expect(await logged(store)).toEqual([
      `put a ${text(300).toString()}`,
      'put b B',
      'delete a',
      'clear x',
      `put large ${text(200_000).toString()}`
    ])
    const clear = await store.wal!.get(4)
    expect(clear).toMatchObject({ kind: 'clear', end: Buffer.from('z'), sequence: 4, tombstone: true })
    expect((await store.wal!.get(1)).value!.equals(text(300))).toBe(true)
    expect(store.wal!.nextSequence).toBe(6)
  })

  it('decodes the guarded values of a database that was filled before', async () => {
    const backend = new PermanentMemoryLevel()
    await backend.put('plain', Buffer.from('plain'))
    const store = await openLogged(logOn(new CrashableFileSystem()), backend, { minSize: 0 })
    await store.put('a', text(300))
    await store.put('b', Buffer.of(0xff))
    expect(await logged(store)).toEqual([`put a ${text(300).toString()}`, 'put b \xff'])
    expect((await store.wal!.get(2)).value).toEqual(Buffer.of(0xff))
  })

  it('says when values expire, though their envelopes say it', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()), new PermanentMemoryLevel(), { minSize: 0 })
    const before = Date.now()
    await store.put('a', text(300), { ttl: 60_000 })
    await store.put('b', text(300))
    const { expiresAt } = await store.wal!.get(1)
    expect(expiresAt).toBeGreaterThanOrEqual(before + 60_000)
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000)
    const read: unknown[] = []
    for await (const { record } of store.wal!.read()) read.push(record.expiresAt)
    expect(read).toEqual([expiresAt, undefined])
  })

  it('decodes what another store wrote before this one opened', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), memoryLevel(), { minSize: 0, codec: 'zstd' })
    await store.put('a', text(300))
    await store.close()
    const reopened = await openLogged(logOn(fs), memoryLevel(), { codec: 'none' })
    expect(await logged(reopened)).toEqual([`put a ${text(300).toString()}`])
  })

  it('follows writes until the store is closed', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()), new PermanentMemoryLevel())
    const found: string[] = []
    const following = (async () => {
      for await (const { record } of store.wal!.read({ follow: true })) found.push(record.key.toString())
    })()
    for (const key of 'abc') await store.put(key, Buffer.from(key))
    await store.close()
    await following
    expect(found).toEqual(Array.from('abc'))
  })

  it('is there only while a store with a log is open', async () => {
    const store = new CompressedKvStore(memoryLevel(), { wal: logOn(new CrashableFileSystem()) })
    expect(store.wal).toBeUndefined()
    await store.open()
    expect(store.wal).toBeDefined()
    await store.close()
    expect([store.wal, store.recovery]).toEqual([undefined, undefined])
    expect((await openStore()).store.wal).toBeUndefined()
  })

  it('cannot write', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()))
    expect(Object.keys(store.wal!).sort()).toEqual([
      'firstSequence',
      'get',
      'nextSequence',
      'position',
      'read',
      'stats'
    ])
  })
})

describe('db.recovery', () => {
  it('says what was found, and how much of it was torn', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), new PermanentMemoryLevel())
    expect(store.recovery).toEqual({ records: 0, segments: 0, bytesTruncated: 0, corruption: [] })
    await store.put('a', Buffer.from('A'))
    await store.put('b', Buffer.from('B'))
    const torn = killed(fs)
    const path = `${LOG}/000001.wal`
    torn.put(path, Buffer.concat([torn.file(path), Buffer.alloc(100, 'torn')]))
    const told: object[] = []
    const level = new PermanentMemoryLevel((store.backend as unknown as PermanentMemoryLevel).disk.clone())
    const reopened = new CompressedKvStore(level, { wal: logOn(torn) })
    reopened.on('walTruncated', (event: object) => told.push(event))
    await reopened.open()
    expect(reopened.recovery).toMatchObject({ records: 2, segments: 1, bytesTruncated: 100 })
    expect(told).toMatchObject([{ type: 'truncated', segment: 1, bytes: 100 }])
  })
})

/** A power cut that spares nothing it may take. */
const afterwards = async (fs: CrashableFileSystem) =>
  (await contentsOf(logOn(powerCut(fs, 'none')))).map(([key]) => key).join('')

describe('what is on stable storage', () => {
  it("fsync: 'always': every write that resolved", async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { fsync: 'always' }))
    await store.put('a', Buffer.of(1))
    expect(await afterwards(fs)).toBe('a')
    await store.batch([{ type: 'put', key: 'b', value: Buffer.of(1) }])
    expect(await afterwards(fs)).toBe('ab')
    await store.clear({ lte: 'a' })
    expect(await afterwards(fs)).toBe('b')
    await store.clear({ limit: 1 })
    expect(await afterwards(fs)).toBe('')
  })

  it.each(['always', 'interval', 'os'] as const)("fsync: '%s': what resolved before sync() did", async fsync => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { fsync, fsyncIntervalMs: 1_000_000 }))
    for (const key of 'abc') await store.put(key, Buffer.of(1))
    expect(await afterwards(fs)).toBe(fsync === 'always' ? 'abc' : '')
    await store.sync()
    expect(await afterwards(fs)).toBe('abc')
    await store.clear({ gt: 'a' })
    expect(await afterwards(fs)).toBe(fsync === 'always' ? 'a' : 'abc')
    await store.sync()
    expect(await afterwards(fs)).toBe('a')
    await store.sync()
  })

  it.each([
    { memtable: false, opened: true },
    { memtable: false, opened: false },
    { memtable: true, opened: true },
    { memtable: true, opened: false },
    { memtable: { maxBytes: 1000 }, opened: true }
  ])('sync() waits for writes that nobody awaited: %j', async ({ memtable, opened }) => {
    const fs = new CrashableFileSystem()
    const store: Store = new CompressedKvStore(memoryLevel(), { wal: logOn(fs), memtable })
    if (opened) await store.open()
    const large = noise(70_000) // Compressed off the main thread.
    const writes = [...Array.from('abc', key => store.put(key, large)), store.put('d', Buffer.of(1)), store.del('b')]
    await store.sync()
    expect(await afterwards(fs)).toBe('acd')
    await Promise.all(writes)
  })

  it.each(['sync', 'flush'] as const)('%s() waits for writes to a sublevel that was just made', async call => {
    const fs = new CrashableFileSystem()
    const store: Store = new CompressedKvStore(memoryLevel(), { wal: logOn(fs) })
    const writes = [store.sublevel('before').put('a', '')]
    const synced = store[call]()
    await Promise.all([synced, store.open()])
    expect(await afterwards(fs)).toBe('!before!a')
    writes.push(store.sublevel('opened').sublevel('below').put('b', ''))
    await store[call]()
    expect(await afterwards(fs)).toBe('!before!a!opened!!below!b')
    await Promise.all(writes)
  })

  it("fsync: 'interval': within the interval, also when nothing else is written", async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { fsync: 'interval', fsyncIntervalMs: 1 }))
    const synced = new Promise(resolve => {
      store.once('walFsync', resolve)
    })
    await store.put('a', Buffer.of(1))
    await synced
    expect(await afterwards(fs)).toBe('a')
  })

  const synced: [string, (store: Store) => Promise<void>][] = [
    ['put', store => store.put('k', Buffer.of(1), { sync: true })],
    ['del', store => store.del('x', { sync: true })],
    ['batch', store => store.batch([{ type: 'put', key: 'k', value: Buffer.of(1) }], { sync: true })],
    ['an operation of a batch', store => store.batch([{ type: 'put', key: 'k', value: Buffer.of(1), sync: true }])],
    ['chained batch', store => store.batch().put('k', Buffer.of(1)).write({ sync: true })],
    ['clear', store => store.clear({ gte: 'x', sync: true })],
    ['clear with a limit', store => store.clear({ gte: 'b', limit: 1, sync: true })],
    ['clear with a limit that finds nothing', store => store.clear({ gte: 'y', limit: 1, sync: true })],
    ['put through a sublevel', store => store.sublevel('s').put('k', '1', { sync: true })]
  ]

  const modes = [false, { flushIntervalMs: Infinity }]
  const syncedInModes = synced.flatMap(([name, write]) => modes.map(memtable => [name, memtable, write] as const))

  it.each(syncedInModes)('{ sync: true } on %s: it, and all before it, memtable: %j', async (_, memtable, write) => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), memoryLevel(), { memtable })
    await store.batch(Array.from('abx', key => ({ type: 'put', key, value: Buffer.of(1) })))
    expect(await afterwards(fs)).toBe('')
    await write(store)
    expect(await afterwards(fs)).toBe((await store.keys().all()).join(''))
  })

  it('close(): everything', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await store.put('a', Buffer.of(1))
    await store.close()
    expect(await afterwards(fs)).toBe('a')
  })

  it('flush() waits for the writes before it, and needs no log', async () => {
    const codec = new HeldCodec()
    const store = await openLogged(logOn(new CrashableFileSystem()), memoryLevel(), { codec })
    const put = store.put('k', text(5000))
    let flushed = false
    const flush = store.flush().then(() => (flushed = true))
    await new Promise(setImmediate)
    expect(flushed).toBe(false)
    codec.open()
    await Promise.all([put, flush])
    expect((await store.get('k'))!.equals(text(5000))).toBe(true)
  })

  it('sync() is refused without a log, with readOnly, and when the store is closed; it waits while the store opens', async () => {
    await expect((await openStore()).store.sync()).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    const fs = new CrashableFileSystem()
    const store = new CompressedKvStore(memoryLevel(), { wal: logOn(fs) })
    await store.sync()
    await store.put('a', Buffer.of(1))
    await store.close()
    await expect(store.sync()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    const reading = await openLogged(logOn(fs), memoryLevel(), { readOnly: true })
    await expect(reading.sync()).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
  })
})

describe('what a store tells of its log', () => {
  it('counts records, frames, fsyncs and segments', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()), new PermanentMemoryLevel())
    expect(store.stats().wal).toMatchObject({ records: 0, frames: 0, segments: 0, lastGcError: undefined })
    await store.put('a', noise(1000))
    await store.batch([
      { type: 'put', key: 'b', value: noise(1000) },
      { type: 'del', key: 'a' }
    ])
    await store.sync()
    const { records, frames, fsyncs, segmentsRolled, bytes, rawBytes } = store.stats().wal!
    expect({ records, frames, segmentsRolled }).toEqual({ records: 3, frames: 2, segmentsRolled: 1 })
    expect(fsyncs).toBeGreaterThanOrEqual(2)
    expect(rawBytes).toBeGreaterThan(2000)
    expect(bytes).toBeGreaterThan(rawBytes)
    expect((await openStore()).store.stats().wal).toBeUndefined()
    await store.close()
    expect(store.stats().wal).toBeUndefined()
  })

  it('puts that wait together share a frame', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem(), { blockBytes: 65_536, segmentBytes: 1 << 20 }))
    await store.put('first', Buffer.of(1))
    const before = store.stats().wal!.frames
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.put(`k${i}`, Buffer.of(i))))
    expect(store.stats().wal!.frames - before).toBe(1)
  })

  it('emits walSegmentRoll and walFsync, and a listener that throws harms nothing', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()))
    const rolls: number[] = []
    const syncs: number[] = []
    store.on('walSegmentRoll', ({ segment }: { segment: number }) => rolls.push(segment))
    store.on('walFsync', ({ ms }: { ms: number }) => {
      syncs.push(ms)
      throw new Error('a listener')
    })
    const warned = new Promise(resolve => {
      process.once('warning', resolve)
    })
    for (let i = 0; i < 3; i++) await store.put(`k${i}`, noise(900, i + 1))
    expect(rolls).toEqual([1, 2])
    expect(syncs.length).toBeGreaterThanOrEqual(2)
    expect(await store.keys().all()).toEqual(['k0', 'k1', 'k2'])
    expect(String(await warned)).toMatch(/a listener/)
  })

  it('has the onEvent of the log called as well, and onProgress', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await store.put('a', noise(900))
    const events: string[] = []
    const phases: string[] = []
    const reopened = await openLogged(logOn(killed(fs), { onEvent: ({ type }) => events.push(type) }), memoryLevel(), {
      onProgress: ({ phase }) => phases.push(phase)
    })
    await reopened.put('b', noise(900))
    await reopened.sync()
    expect(events).toContain('fsync')
    expect(phases).toContain('recovery')
  })
})

describe('a second opener', () => {
  it.each([true, false])(
    'of the same log is refused with LEVEL_LOCKED at once, while the first works on (memory: %s)',
    async inMemory => {
      const directory = temporaryDirectory()
      const backend = () =>
        inMemory ? memoryLevel() : new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' })
      const store = await openLogged(directory, backend())
      await store.put('a', Buffer.from('A'))
      const before = imageOf(directory)
      expect((await refusal(directory, backend())).code).toBe('LEVEL_LOCKED')
      expect(imageOf(directory)).toEqual(before)
      await store.put('b', Buffer.from('B'))
      expect(await contents(store)).toEqual([
        ['a', 'A'],
        ['b', 'B']
      ])
      await store.close()
    }
  )

  it('gets the log when the first was closed, or failed to open', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(directory)
    await store.put('a', Buffer.from('A'))
    expect((await refusal(directory)).code).toBe('LEVEL_LOCKED')
    await store.close()
    const filled = memoryLevel()
    await filled.put('x', Buffer.of(1))
    expect((await refusal(directory, filled)).code).toBe('LEVEL_CORRUPTION')
    expect(await contentsOf(directory)).toEqual([['a', 'A']])
  })

  it('of a LevelDB is refused before its log is touched', async () => {
    const directory = temporaryDirectory()
    const level = () => new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
    const store = await openLogged(true, level())
    await store.put('a', Buffer.from('A'))
    const before = imageOf(join(directory, 'ckv-wal'))
    expect((await refusal(true, level())).code).toBe('LEVEL_LOCKED')
    expect(imageOf(join(directory, 'ckv-wal'))).toEqual(before)
    await store.close()
  })

  it('of a LevelDB takes over whatever lock is left in the log in its directory', async () => {
    const directory = temporaryDirectory()
    const level = () => new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
    const store = await openLogged(true, level())
    await store.put('a', Buffer.from('A'))
    const lock = JSON.parse(readFileSync(join(directory, 'ckv-wal', 'LOCK'), 'utf8')) as object
    await store.close()
    // Neither its host nor its process can be asked.
    const left = JSON.stringify({ ...lock, host: 'another' })
    writeFileSync(join(directory, 'ckv-wal', 'LOCK'), left)
    const reopened = await openLogged(true, level())
    expect(await reopened.keys().all()).toEqual(['a'])
    await reopened.close()
  })

  it('of a LevelDB is refused by another path to it as well, which LevelDB itself takes for another database', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(true, new Level<string, Buffer>(directory, { valueEncoding: 'buffer' }))
    const again = new Level<string, Buffer>(`${directory}/.`, { valueEncoding: 'buffer' })
    expect((await refusal(true, again)).code).toBe('LEVEL_LOCKED')
    await again.close()
    await store.close()
  })

  it('of a log in a directory of its own waits for no lock of a dead process, and heeds one of another host', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(directory)
    const owner = JSON.parse(readFileSync(join(directory, 'LOCK'), 'utf8')) as object
    await store.close()
    writeFileSync(join(directory, 'LOCK'), JSON.stringify({ ...owner, host: 'another', socket: undefined }))
    expect((await refusal(directory)).code).toBe('LEVEL_LOCKED')
    writeFileSync(join(directory, 'LOCK'), JSON.stringify({ ...owner, bootId: 'the one before' }))
    expect(await refusal(directory)).toEqual({ code: undefined, message: 'It opened' })
  })
})

describe('a backend that its owner closes', () => {
  it('closes the store, and what was accepted before is there', async () => {
    const fs = new CrashableFileSystem()
    const level = memoryLevel()
    const store = await openLogged(logOn(fs), level)
    await store.put('a', Buffer.from('A'))
    await level.close()
    expect(store.status).toBe('closed')
    expect(await contentsOf(logOn(fs))).toEqual([['a', 'A']])
  })

  it('over LevelDB: the store is closed, its log let go of, and everything acknowledged is there', async () => {
    const directory = temporaryDirectory()
    const level = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
    const store = await openLogged(true, level)
    await store.put('a', Buffer.from('A'))
    const pending = store.put('b', Buffer.from('B')).then(
      () => ['b'],
      () => []
    )
    await level.close()
    expect(store.status).toBe('closed')
    const reopened = await openLogged(true, new Level<string, Buffer>(directory, { valueEncoding: 'buffer' }))
    expect(await reopened.keys().all()).toEqual(expect.arrayContaining(['a', ...(await pending)]))
    await reopened.close()
  })
})

it('file handles of a closed store are closed', async () => {
  const fs = new CrashableFileSystem()
  const store = await openLogged(logOn(new FaultyFileSystem(fs)))
  for (let i = 0; i < 10; i++) await store.put(`k${i}`, noise(700, i + 1))
  await store.wal!.get(store.wal!.nextSequence - 1)
  for await (const { record } of store.wal!.read()) if (record.value!.length === 700) break
  expect(fs.openHandles).toBeGreaterThan(0)
  const left = killed(fs)
  await store.close()
  expect(fs.openHandles).toBe(0)
  expect(fs.paths().filter(path => path.includes('LOCK'))).toEqual([])
  const replayed = await openLogged(logOn(left))
  await replayed.close()
  expect(left.openHandles).toBe(0)
})
