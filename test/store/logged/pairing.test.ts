import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Record, Wal } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { failing, WRITES } from '../../support/intercept.js'
import {
  contents,
  contentsOf,
  copyWhileOpen,
  imageOf,
  imageOfDisk,
  killed,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  refusal,
  type Store
} from '../../support/logged-store.js'
import { BackendDisk, PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** A store over a permanent backend, both on simulated disks. */
async function openOn(backend: BackendDisk, fs: CrashableFileSystem | false): Promise<Store> {
  return openLogged(fs === false ? false : logOn(fs), new PermanentMemoryLevel(backend))
}

async function putAll(store: Store, keys: string): Promise<void> {
  for (const key of keys) await store.put(key, Buffer.from(key.toUpperCase()))
}

/** The keys there are, in one word. */
async function keysOn(backend: BackendDisk, fs: CrashableFileSystem | false): Promise<string> {
  const store = await openOn(backend, fs)
  const keys = await store.keys().all()
  await store.close()
  return keys.join('')
}

/** Refused with this code, with nothing changed in either. */
async function expectRefused(code: string, backend: BackendDisk, fs: CrashableFileSystem | false): Promise<string> {
  const before = { batches: backend.batches.length, log: fs === false ? {} : imageOfDisk(fs) }
  const refused = await refusal(fs === false ? false : logOn(fs), new PermanentMemoryLevel(backend))
  expect(refused.code).toBe(code)
  expect({ batches: backend.batches.length, log: fs === false ? {} : imageOfDisk(fs) }).toEqual(before)
  return refused.message
}

/** A store that was used, and closed. */
async function closedStore(keys = 'abc'): Promise<{ backend: BackendDisk; fs: CrashableFileSystem }> {
  const backend = new BackendDisk()
  const fs = new CrashableFileSystem()
  const store = await openOn(backend, fs)
  await putAll(store, keys)
  await store.close()
  return { backend, fs }
}

/** A store that was used, and killed. */
async function killedStore(keys = 'abc'): Promise<{ backend: BackendDisk; fs: CrashableFileSystem }> {
  const backend = new BackendDisk()
  const fs = new CrashableFileSystem()
  await putAll(await openOn(backend, fs), keys)
  return { backend: backend.clone(), fs: killed(fs) }
}

/** What the log of a killed store has and its backend does not: the machine stopped between the two. */
async function behindItsLog(): Promise<{ backend: BackendDisk; fs: CrashableFileSystem }> {
  const backend = new BackendDisk()
  const fs = new CrashableFileSystem()
  const level = new PermanentMemoryLevel(backend)
  const store = await openLogged(logOn(fs), level)
  await putAll(store, 'abc')
  failing(level, WRITES, new Error('the backend is gone'))
  for (const key of 'de') await expect(store.put(key, Buffer.from(key.toUpperCase()))).rejects.toThrow(Error)
  return { backend: backend.clone(), fs: killed(fs) }
}

describe('a log that is missing', () => {
  it('beside a database that was not closed is refused with LEVEL_CORRUPTION and a remedy', async () => {
    const { backend } = await killedStore()
    const message = await expectRefused('LEVEL_CORRUPTION', backend, new CrashableFileSystem())
    expect(message).toMatch(/missing.*put the directory back/is)
  })

  const firstWrites: [string, (store: Store) => Promise<void>][] = [
    ['a put', store => store.put('d', Buffer.from('D'))],
    ['a del', store => store.del('a')],
    ['a batch', store => store.batch([{ type: 'del', key: 'a' }])],
    ['a clear', store => store.clear()],
    ['a clear with a limit', store => store.clear({ limit: 1 })]
  ]
  it.each(firstWrites.flatMap(([name, write]) => [false, {}].map(memtable => [name, memtable, write] as const)))(
    'is missed after %s that was all since the last close, with memtable: %j',
    async (_, memtable, write) => {
      const { backend, fs } = await closedStore()
      await write(await openLogged(logOn(fs), new PermanentMemoryLevel(backend), { memtable }))
      const message = await expectRefused('LEVEL_CORRUPTION', backend.clone(), new CrashableFileSystem())
      expect(message).toContain('is missing')
    }
  )

  it('is found when it is put back', async () => {
    const { backend, fs } = await killedStore()
    await expectRefused('LEVEL_CORRUPTION', backend, new CrashableFileSystem())
    expect(await keysOn(backend, fs)).toBe('abc')
  })

  it('beside a database that was closed is made anew, and numbers go on', async () => {
    const { backend } = await closedStore()
    const fs = new CrashableFileSystem()
    const store = await openOn(backend, fs)
    expect(store.wal!.nextSequence).toBe(4)
    await putAll(store, 'd')
    expect((await store.wal!.get(4)).key.toString()).toBe('d')
    expect(await keysOn(backend.clone(), killed(fs))).toBe('abcd')
  })

  it('beside a database that was killed, opened with its log and closed with nothing written, is made anew', async () => {
    const { backend, fs } = await killedStore()
    expect(await keysOn(backend, fs)).toBe('abc')
    expect(await keysOn(backend, new CrashableFileSystem())).toBe('abc')
  })

  it('in the directory of a LevelDB: refused after a kill, made anew after a close', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(true, new Level(directory, { valueEncoding: 'buffer' }))
    await putAll(store, 'abc')
    const copy = copyWhileOpen(directory)
    await store.close()
    renameSync(join(copy, 'ckv-wal'), join(temporaryDirectory(), 'saved'))
    const refused = await refusal(true, new Level(copy, { valueEncoding: 'buffer' }))
    expect(refused.code).toBe('LEVEL_CORRUPTION')
    // Else the remedy, to put it back, would put it into an empty one.
    expect(existsSync(join(copy, 'ckv-wal'))).toBe(false)
    rmSync(join(directory, 'ckv-wal'), { recursive: true })
    expect((await contentsOf(true, new Level(directory, { valueEncoding: 'buffer' }))).length).toBe(3)
  })
})

describe('a log of another store', () => {
  it.each([
    ['closed', closedStore],
    ['killed', killedStore]
  ])('that was %s is refused, and both stay as they were', async (_, make) => {
    const [one, other] = [await make('abc'), await make('xyz')]
    expect(await expectRefused('LEVEL_CORRUPTION', one.backend, other.fs)).toMatch(/another store/)
    expect(await keysOn(one.backend, one.fs)).toBe('abc')
    expect(await keysOn(other.backend, other.fs)).toBe('xyz')
  })

  it('is what remains beside a database that was destroyed and made again, and the message says so', async () => {
    const { fs } = await closedStore()
    expect(await expectRefused('LEVEL_CORRUPTION', new BackendDisk(), fs)).toMatch(/another store.* was destroyed/)
    const killedToo = await killedStore()
    expect(await expectRefused('LEVEL_CORRUPTION', new BackendDisk(), killedToo.fs)).toMatch(
      /another store.* was destroyed/
    )
  })

  it('is refused by a database without a log of its own', async () => {
    const { fs } = await closedStore()
    const backend = new BackendDisk()
    const store = await openOn(backend, false)
    await putAll(store, 'x')
    await store.close()
    expect(await expectRefused('LEVEL_CORRUPTION', backend, fs)).toMatch(/another store/)
  })

  it('of a memory-level is refused by a permanent database, and the other way round', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await putAll(store, 'abc')
    await store.close()
    await expectRefused('LEVEL_CORRUPTION', new BackendDisk(), fs)
    const permanent = await closedStore()
    const written = await openOn(permanent.backend, permanent.fs)
    await written.put('large', noise(3000))
    await written.put('larger', noise(3000))
    await written.close()
    const before = imageOfDisk(permanent.fs)
    // Its beginning is gone with what the backend has.
    expect((await refusal(logOn(permanent.fs), memoryLevel())).code).toBe('LEVEL_CORRUPTION')
    expect(imageOfDisk(permanent.fs)).toEqual(before)
  })
})

/** A store at three moments, closed each time; the log keeps only what the database lacks. */
async function days() {
  const { backend, fs } = await closedStore('abc')
  const monday = { backend: backend.clone(), fs: fs.clone() }
  const store = await openOn(backend, fs)
  for (const key of 'def') await store.put(key, noise(1200))
  await store.put('a', Buffer.from('newer'))
  await store.close()
  return { monday, tuesday: { backend, fs } }
}

function aDayPasses(direction: 1 | -1 = 1): void {
  vi.setSystemTime(Date.now() + direction * 86_400_000)
}

describe('log and database from different days', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('an older database beside a newer log that lacks what was between is refused', async () => {
    const { monday, tuesday } = await days()
    expect(await expectRefused('LEVEL_CORRUPTION', monday.backend, tuesday.fs)).toMatch(/restore both from one backup/i)
    expect(await keysOn(monday.backend, monday.fs)).toBe('abc')
    expect(await keysOn(tuesday.backend, tuesday.fs)).toBe('abcdef')
  })

  it('an older database beside a newer log that was not closed, and lacks what was between, is refused', async () => {
    const { backend, fs } = await closedStore('abc')
    const monday = backend.clone()
    const store = await openOn(backend, fs)
    for (const key of 'def') await store.put(key, noise(1200))
    const tuesday = killed(fs)
    await expectRefused('LEVEL_CORRUPTION', monday, tuesday)
    expect(await keysOn(backend.clone(), tuesday)).toBe('abcdef')
  })

  it('an older database beside a newer log that has all between gets it', async () => {
    const { backend, fs } = await closedStore('abc')
    const monday = backend.clone()
    const store = await openOn(backend, fs)
    await putAll(store, 'de')
    await store.del('b')
    expect(await keysOn(monday, killed(fs))).toBe('acde')
  })

  it('a newer database beside an older log is left as it is, and goes on', async () => {
    const { monday, tuesday } = await days()
    const store = await openOn(tuesday.backend, monday.fs)
    expect(await store.keys().all()).toEqual(Array.from('abcdef'))
    expect(await store.get('a')).toEqual(Buffer.from('newer'))
    expect(store.wal!.nextSequence).toBe(8)
    await putAll(store, 'g')
    expect(await keysOn(tuesday.backend.clone(), killed(monday.fs))).toBe('abcdefg')
  })

  it('a newer database beside an older log that was not closed is left as it is, and goes on', async () => {
    const backend = new BackendDisk()
    const fs = new CrashableFileSystem()
    const store = await openOn(backend, fs)
    await putAll(store, 'abc')
    const monday = killed(fs)
    await putAll(store, 'de')
    await store.put('a', Buffer.from('newer'))
    await store.close()
    const reopened = await openOn(backend, monday)
    expect(await contents(reopened)).toEqual(
      Array.from('abcde', key => [key, key === 'a' ? 'newer' : key.toUpperCase()])
    )
    await reopened.close()
  })

  it('a database that was not closed beside an older log is refused, until it has its own', async () => {
    const { backend, fs } = await closedStore('abc')
    const monday = fs.clone()
    aDayPasses()
    await putAll(await openOn(backend, fs), 'de')
    const tuesday = { backend: backend.clone(), fs: killed(fs) }
    const message = await expectRefused('LEVEL_CORRUPTION', tuesday.backend, monday)
    expect(message).toMatch(/is an older one.*the directory of that one/is)
    expect(await keysOn(tuesday.backend, tuesday.fs)).toBe('abcde')
    expect(await keysOn(tuesday.backend, monday)).toBe('abcde')
  })

  it('one of two logs in turn is refused while the database needs the other', async () => {
    const backend = new BackendDisk()
    const [first, second] = [new CrashableFileSystem(), new CrashableFileSystem()]
    const store = await openOn(backend, first)
    for (const key of 'abc') await store.put(key, noise(3000))
    await store.close()
    aDayPasses()
    await putAll(await openOn(backend, second), 'd')
    const tuesday = { backend: backend.clone(), second: killed(second) }
    await expectRefused('LEVEL_CORRUPTION', tuesday.backend, first)
    expect(await keysOn(tuesday.backend, tuesday.second)).toBe('abcd')
    aDayPasses()
    await putAll(await openOn(tuesday.backend, first), 'e')
    const wednesday = { backend: tuesday.backend.clone(), first: killed(first) }
    await expectRefused('LEVEL_CORRUPTION', wednesday.backend, tuesday.second)
    expect(await keysOn(wednesday.backend, wednesday.first)).toBe('abcde')
  })

  it('a log whose newest segments were created while the clock was set back is no older one', async () => {
    const { backend, fs } = await closedStore('abc')
    const store = await openOn(backend, fs)
    await putAll(store, 'd')
    aDayPasses(-1)
    for (const key of 'ef') await store.put(key, noise(1200))
    expect(store.stats().wal!.segmentsRolled).toBeGreaterThan(0)
    expect(await keysOn(backend.clone(), killed(fs))).toBe('abcdef')
  })

  it('an older database beside a log with a hole in it, above what the database has, is refused', async () => {
    const backend = new BackendDisk()
    const fs = new CrashableFileSystem()
    const store = await openOn(backend, fs)
    await putAll(store, 'ab')
    const monday = backend.clone()
    await store.sync()
    await putAll(store, 'cde')
    // The database has all five, the log loses three of them.
    const cut = powerCut(fs, 'none')
    const survivor = backend.clone()
    const reopened = await openOn(survivor, cut)
    expect(reopened.wal!.nextSequence).toBe(6)
    const reading = reopened.wal!.read()
    await reading.next() // Keeps the segment from being deleted.
    await putAll(reopened, 'f')
    const holed = killed(cut)
    expect(await keysOn(survivor.clone(), holed.clone())).toBe('abcdef')
    expect((await refusal(logOn(holed), new PermanentMemoryLevel(monday))).code).toBe('LEVEL_CORRUPTION')
  })
})

describe('a database with a log that is opened without one', () => {
  it('is refused with LEVEL_NOT_SUPPORTED and a remedy while it was not closed', async () => {
    const { backend } = await killedStore()
    expect(await expectRefused('LEVEL_NOT_SUPPORTED', backend, false)).toMatch(
      /open it once with that log, without `wal: false`/
    )
  })

  it('is refused as well when the backend had refused to note that the log gets ahead of it', async () => {
    const { backend, fs } = await closedStore('a')
    const level = new PermanentMemoryLevel(backend)
    const store = await openLogged(logOn(fs), level, { memtable: {} })
    const restore = failing(level, WRITES, new Error('disk'))
    await expect(store.put('b', Buffer.of(1))).rejects.toThrow('disk')
    restore()
    await store.put('c', Buffer.of(1)) // Only the log has it.
    expect(await expectRefused('LEVEL_NOT_SUPPORTED', backend.clone(), false)).toMatch(/was not closed/)
    await store.close()
  })

  it('works once it was opened with its log and closed, nothing written', async () => {
    const { backend, fs } = await killedStore()
    expect(await keysOn(backend, fs)).toBe('abc')
    expect(await keysOn(backend, false)).toBe('abc')
  })

  it('works once its log was replayed and closed, nothing written', async () => {
    const { backend, fs } = await behindItsLog()
    expect(await keysOn(backend, fs)).toBe('abcde')
    expect(await keysOn(backend, false)).toBe('abcde')
  })

  it('works after a clean close, and later with the log again', async () => {
    const { backend, fs } = await closedStore()
    const without = await openOn(backend, false)
    await without.put('a', Buffer.from('changed without'))
    await without.del('b')
    await without.close()
    const again = await openOn(backend, fs)
    expect(await contents(again)).toEqual([
      ['a', 'changed without'],
      ['c', 'C']
    ])
    await putAll(again, 'd')
    expect(await keysOn(backend.clone(), killed(fs))).toBe('acd')
  })

  it('has what was written without the log still there when a store with it was killed and opened again', async () => {
    const { backend, fs } = await closedStore()
    const without = await openOn(backend, false)
    await without.put('a', Buffer.from('changed without'))
    await without.close()
    await putAll(await openOn(backend, fs), 'd')
    const reopened = await openOn(backend.clone(), killed(fs))
    expect(await reopened.get('a')).toEqual(Buffer.from('changed without'))
  })

  it('over LevelDB: refused after a kill, works after a close', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(true, new Level(directory, { valueEncoding: 'buffer' }))
    await putAll(store, 'abc')
    const copy = copyWhileOpen(directory)
    await store.close()
    const before = imageOf(join(copy, 'ckv-wal'))
    expect((await refusal(false, new Level(copy, { valueEncoding: 'buffer' }))).code).toBe('LEVEL_NOT_SUPPORTED')
    expect(imageOf(join(copy, 'ckv-wal'))).toEqual(before)
    const without = await openLogged(false, new Level(directory, { valueEncoding: 'buffer' }))
    expect(await without.keys().all()).toEqual(Array.from('abc'))
    await without.close()
  })

  it('over memory-level, which its log fills: refused even after a close, as the log would not have what is written; can be read', async () => {
    const fs = new CrashableFileSystem()
    for (const opened of ['first', 'again']) {
      const level = memoryLevel()
      const store = await openLogged(logOn(fs), level)
      if (opened === 'first') await putAll(store, 'abc')
      await store.close()
      const { code, message } = await refusal(false, level)
      expect([opened, code]).toEqual([opened, 'LEVEL_NOT_SUPPORTED'])
      expect(message).toMatch(/open it with `wal` as it was/)
      const reading = await openLogged(false, level, { readOnly: true })
      expect(await reading.keys().all()).toEqual(Array.from('abc'))
      await reading.close()
      const withLog = await openLogged(logOn(fs), level)
      expect(await withLog.keys().all()).toEqual(Array.from('abc'))
      await withLog.close()
    }
  })

  it('does not bring back, once it has its log again, what a poisoned log rejected', async () => {
    const backend = new BackendDisk()
    const disk = new CrashableFileSystem()
    const fs = new FaultyFileSystem(disk)
    const store = await openLogged(logOn(fs, { fsync: 'always' }), new PermanentMemoryLevel(backend))
    await store.put('k', Buffer.from('1'))
    fs.fail('sync', { code: 'EIO' })
    await expect(store.put('k', Buffer.from('2, rejected'))).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    await store.close()
    const later = async () => {
      const without = await openOn(backend, false)
      await without.put('k', Buffer.from('3, without the log'))
      await without.close()
      return (await contentsOf(logOn(disk), new PermanentMemoryLevel(backend)))[0]![1]
    }
    const { code } = await refusal(false, new PermanentMemoryLevel(backend))
    // Either it cannot be left out, or what was written without it stands.
    expect(['LEVEL_NOT_SUPPORTED', '3, without the log']).toContain(code ?? (await later()))
  })
})

describe('readOnly', () => {
  const readOnly = { readOnly: true }

  it.each([false, {}])(
    'with memtable: %s shows what the log has and the database lacks, and changes nothing',
    async memtable => {
      const { backend, fs } = await behindItsLog()
      const before = { batches: backend.batches.length, log: imageOfDisk(fs) }
      const store = await openLogged(logOn(fs), new PermanentMemoryLevel(backend), { ...readOnly, memtable })
      expect(await store.keys().all()).toEqual(Array.from('abcde'))
      expect(await store.keys({ reverse: true, limit: 2 }).all()).toEqual(['e', 'd'])
      expect(await store.getMany(Array.from('aex'))).toEqual([Buffer.from('A'), Buffer.from('E'), undefined])
      expect([store.getSync('d'), await store.has('d')]).toEqual([Buffer.from('D'), true])
      await expect(store.put('k', Buffer.of(1))).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
      await store.flush()
      await store.close()
      expect({ batches: backend.batches.length, log: imageOfDisk(fs) }).toEqual(before)
      expect(await keysOn(backend, fs)).toBe('abcde')
    }
  )

  it('reads from the log deletes, deleted ranges, and values of every kind, as a store that writes would', async () => {
    const fs = new CrashableFileSystem()
    const backend = new PermanentMemoryLevel()
    const store = await openLogged(logOn(fs), backend, { memtable: { flushIntervalMs: Infinity } })
    await putAll(store, 'abcdefgh')
    await store.flush()
    await store.del('a')
    await store.clear({ gte: 'c', lt: 'f' })
    await store.put('d', Buffer.alloc(100_000, 'sealed before it is logged'))
    await store.put('e', Buffer.from('compressed'), { codec: 'zstd' })
    await store.put('gone', Buffer.from('soon'), { ttl: 1 })
    await store.put('z', Buffer.alloc(0))
    await new Promise(resolve => setTimeout(resolve, 5))
    const expected = await store.iterator().all()
    const disk = backend.disk.clone()
    const reading = await openLogged(logOn(killed(fs)), new PermanentMemoryLevel(disk), readOnly)
    expect(await reading.iterator().all()).toEqual(expected)
    expect(await reading.getMany(['a', 'c', 'd', 'gone'])).toEqual(await store.getMany(['a', 'c', 'd', 'gone']))
    expect(reading.stats().memtable!.entries).toBeGreaterThan(0)
    await reading.close()
  })

  it('with more in the log than maxBytes is refused, says what to do, and changes nothing', async () => {
    const { backend, fs } = await behindItsLog()
    const before = { batches: backend.batches.length, log: imageOfDisk(fs) }
    const memtable = { maxBytes: 200 }
    const refused = await refusal(logOn(fs), new PermanentMemoryLevel(backend), { ...readOnly, memtable })
    expect(refused.code).toBe('LEVEL_NOT_SUPPORTED')
    expect(refused.message).toMatch(/memtable\.maxBytes, 200,.*or open the store once without readOnly/)
    expect({ batches: backend.batches.length, log: imageOfDisk(fs) }).toEqual(before)
  })

  it('is given to the store, not to its log alone', async () => {
    for (const [ofStore, ofLog] of [
      [false, true],
      [true, false]
    ]) {
      const options = { readOnly: ofStore! }
      const refused = await refusal(logOn(new CrashableFileSystem(), { readOnly: ofLog! }), memoryLevel(), options)
      expect(refused.code).toBe('CKV_INVALID_OPTION')
    }
  })

  it('holds also where options of the log are there and undefined', async () => {
    const { backend, fs } = await behindItsLog()
    const before = { batches: backend.batches.length, log: imageOfDisk(fs) }
    const wal = logOn(fs, { readOnly: undefined, onProgress: undefined })
    const store = await openLogged(wal, new PermanentMemoryLevel(backend), readOnly)
    expect(await store.keys().all()).toEqual(Array.from('abcde'))
    await store.close()
    expect({ batches: backend.batches.length, log: imageOfDisk(fs) }).toEqual(before)
  })

  it.each([
    ['closed', closedStore],
    ['killed', killedStore]
  ])('with nothing to replay, of a store that was %s, works and changes nothing', async (_, make) => {
    const { backend, fs } = await make()
    const before = { batches: backend.batches.length, log: imageOfDisk(fs) }
    const store = await openLogged(logOn(fs), new PermanentMemoryLevel(backend), readOnly)
    expect(await store.keys().all()).toEqual(Array.from('abc'))
    await expect(store.put('k', Buffer.of(1))).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    await expect(store.clear()).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    await store.close()
    expect({ batches: backend.batches.length, log: imageOfDisk(fs) }).toEqual(before)
  })

  it('opens beside a log that does not exist, of a database that was closed', async () => {
    const { backend } = await closedStore()
    const fs = new CrashableFileSystem()
    const found = await contentsOf(logOn(fs), new PermanentMemoryLevel(backend), readOnly)
    expect(found.map(([key]) => key).join('')).toBe('abc')
    expect(fs.paths()).toEqual([])
  })

  it.each([
    ['closed', (store: Store) => store.close()],
    ['killed', async () => {}]
  ])('over memory-level, with the log of a store that was %s, reads everything and changes no file', async (_, end) => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await putAll(store, 'abc')
    await store.clear({ gte: 'b', lt: 'c' })
    await end(store)
    const disk = killed(fs)
    const before = imageOfDisk(disk)
    const steps = disk.steps
    const reading = await openLogged(logOn(disk), memoryLevel(), readOnly)
    expect(await reading.keys().all()).toEqual(['a', 'c'])
    await expect(reading.put('k', Buffer.of(1))).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    const second = await openLogged(logOn(disk), memoryLevel(), readOnly)
    expect(await second.get('c')).toEqual(Buffer.from('C'))
    await reading.close()
    await second.close()
    expect(disk.steps).toBe(steps)
    expect(imageOfDisk(disk)).toEqual(before)
  })
})

describe('options that cannot be honoured', () => {
  it('wal: true over a backend without a directory is CKV_INVALID_OPTION', async () => {
    const refused = await refusal(true, memoryLevel())
    expect(refused.code).toBe('CKV_INVALID_OPTION')
    expect(refused.message).toMatch(/wal: /)
    expect((await refusal({ fsync: 'os' }, memoryLevel())).code).toBe('CKV_INVALID_OPTION')
  })

  it("recovery: 'salvage' is CKV_INVALID_OPTION, and changes nothing", async () => {
    const { backend, fs } = await killedStore()
    const before = imageOfDisk(fs)
    const refused = await refusal(logOn(fs, { recovery: 'salvage' }), new PermanentMemoryLevel(backend))
    expect(refused.code).toBe('CKV_INVALID_OPTION')
    expect(imageOfDisk(fs)).toEqual(before)
    expect((await refusal(logOn(new CrashableFileSystem(), { recovery: 'salvage' }))).code).toBe('CKV_INVALID_OPTION')
  })

  it.each([42, null, 'yes'.length, Symbol('wal')])('wal: %s is refused at once', wal => {
    return expect(openLogged(wal as never)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  })
})

it('over a backend without a directory it does not take a log that is used alone, and says what to do', async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await Wal.open(logOn(fs))
  await wal.append(Record.put('k', 'v'))
  await wal.close()
  const { code, message } = await refusal(logOn(fs), memoryLevel())
  expect([code, message]).toEqual(['LEVEL_CORRUPTION', expect.stringContaining('a directory of its own for its log')])
})
