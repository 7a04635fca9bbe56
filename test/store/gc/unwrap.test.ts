import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, Lz4Gc, unwrap } from '../../../src/index.js'
import type { Wrappable } from '../../../src/store/backend/any-level.js'
import { classicLevel } from '../../support/classic-level.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { type Failure, FaultyFileSystem, type FileCall } from '../../support/faulty-file-system.js'
import { Gate } from '../../support/gate.js'
import { type Backend, filled, markerIn, type Mode, MODES, openMode, type Sweepable } from '../../support/gc-store.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import {
  copyWhileOpen,
  killed,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  type Store,
  type StoreOptions
} from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { MARKER_KEY, RESERVED_PREFIX } from '../../support/reserved.js'
import { noise, text } from '../../support/sample-values.js'
import { documents } from '../../support/small-documents.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const PLAIN: [string, Buffer][] = [
  ['plain', Buffer.from('from before')],
  ['plain, long', text(3000)],
  ['plain, nothing', Buffer.alloc(0)]
]
const MANY = 520
const DOCUMENTS = documents(31)
const DICTIONARY = Buffer.concat(DOCUMENTS.slice(0, 30))
const NOISE = noise(70_000)

/** Values of every form, and what is left of them when they are bare again. */
async function write(store: Store): Promise<void> {
  await store.batch(
    Array.from({ length: MANY }, (_, i) => ({
      type: 'put' as const,
      key: `k${String(i).padStart(3, '0')}`,
      value: i % 100 === 0 ? text(2000 + i) : Buffer.from(`value ${i}`)
    }))
  )
  await store.put('lz4', text(5000), { codec: 'lz4' })
  await store.put('zstd', text(70_000), { codec: 'zstd' })
  await store.put('noise', NOISE)
  await store.put('', text(500))
  await store.put('small', DOCUMENTS[30]!)
  await store.put('ttl', text(2000), { ttl: 1_000_000_000 })
  await store.put('soon', text(2000), { ttl: 1 })
  while (await store.has('soon')) await new Promise(resolve => setTimeout(resolve, 1))
}

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}

function inLog(directory: string): string[] {
  return readdirSync(join(directory, 'ckv-wal'))
}

/** Where the log of a simulated process lies. */
const logOf = ({ mode, fs }: Pick<Sweepable, 'mode' | 'fs'>) => (mode === 'write-through' ? {} : { wal: logOn(fs) })

/** Every entry, a value as its length and digest: large buffers take long to compare. */
async function everything(from: Wrappable<string, Buffer> | Store): Promise<string[]> {
  const database = from as unknown as PermanentMemoryLevel
  await database.open()
  const entries = await database.iterator().all()
  return entries.map(([key, value]) => `${key} ${value.length} ${createHash('sha1').update(value).digest('hex')}`)
}

async function reservedIn(backend: object): Promise<number> {
  const database = backend as PermanentMemoryLevel
  const keys = await database
    .keys<Buffer>({ gte: RESERVED_PREFIX, lt: Buffer.from('ff636b7601', 'hex'), keyEncoding: 'buffer' })
    .all()
  return keys.length
}

const BACKENDS: [string, readonly Mode[], () => Backend][] = [
  ['a permanent backend', MODES, () => new PermanentMemoryLevel()],
  // With a log there, the log is the database.
  ['memory-level', ['write-through'], memoryLevel]
]

const HISTORIES: [string, [string, Buffer][], (store: Store) => Promise<unknown>][] = [
  ['begun empty', [], async () => {}],
  ['over plain values', PLAIN, async () => {}],
  ['over plain values, swept', PLAIN, store => store.gc.run({ policy: new Lz4Gc() })],
  ['in which a sweep was interrupted', [], sweepHalfWay]
]

async function sweepHalfWay(store: Store): Promise<void> {
  const stop = new AbortController()
  const { signal } = stop
  const report = await store.gc.run({ policy: new Lz4Gc(), signal, onProgress: () => stop.abort() })
  expect(report.complete).toBe(false)
}

describe.each(BACKENDS)('unwrap() over %s', (_, modes, make) => {
  const stores = modes.flatMap(mode => HISTORIES.map(([history, plain, sweep]) => ({ mode, history, plain, sweep })))

  it.each(stores)('of a $mode store $history gives back every value as it was', async ({ mode, plain, sweep }) => {
    const opened = await openMode(mode, await filled(plain, make()), { dictionary: DICTIONARY })
    await write(opened.store)
    await opened.store.flush()
    expect(opened.store.stats().dictionary.values).toBeGreaterThan(0)
    await sweep(opened.store)
    const expected = await everything(opened.store)
    await opened.store.close()
    const told: number[] = []
    const onProgress = ({ values }: { values: number }) => void told.push(values)
    const { values } = await unwrap(opened.backend, { ...logOf(opened), onProgress })
    expect(values).toBe(expected.length)
    expect(told.length).toBeGreaterThan(2)
    expect(told.at(-1)).toBe(values)
    expect(opened.backend.status).toBe('closed') // As it was found.
    expect(await everything(opened.backend)).toEqual(expected)
    expect(await reservedIn(opened.backend)).toBe(0) // Nothing of the store's own is left.
    expect(await unwrap(opened.backend)).toEqual({ values: 0 })
    expect(opened.backend.status).toBe('open')
    expect(await everything(opened.backend)).toEqual(expected)
  })

  it('of a database that was never wrapped changes nothing', async () => {
    const backend = await filled(PLAIN, make())
    const before = await everything(backend)
    expect(await unwrap(backend)).toEqual({ values: 0 })
    expect(await everything(backend)).toEqual(before)
    const batches = backend instanceof PermanentMemoryLevel ? backend.disk.batches.length : 1
    expect(batches).toBe(1)
  })

  it.each(modes)('then it can be wrapped again, and unwrapped again (%s)', async mode => {
    const opened = await openMode(mode, await filled(PLAIN, make()))
    await opened.store.put('new', text(5000))
    await opened.store.close()
    await unwrap(opened.backend, logOf(opened))
    // With a directory of its own: the log of before is that of another store.
    const again = await openMode(mode, opened.backend)
    await again.store.put('newer', text(5000))
    await again.store.gc.run()
    const expected = await everything(again.store)
    expect(expected.length).toBe(5)
    await again.store.close()
    await unwrap(again.backend, logOf(again))
    expect(await everything(again.backend)).toEqual(expected)
  })

  it.each(modes)('of a database that is open in a %s store is LEVEL_LOCKED, and changes nothing', async mode => {
    const { store, backend, ...rest } = await openMode(mode, make())
    for (const isWritten of [false, true]) {
      if (isWritten) await store.put('k', text(5000))
      const error = await unwrap(backend, logOf({ ...rest })).then(
        () => undefined,
        (failure: Error & { code: string; cause?: { code: string } }) => failure
      )
      expect([error?.code, error?.cause?.code]).toContain('LEVEL_LOCKED')
      expect(store.status).toBe('open')
    }
    expect(await store.get('k')).toEqual(text(5000))
    await store.close()
  })
})

it('unwrap() takes the database, not the store', async () => {
  const { store } = await openMode('write-through')
  await expect(unwrap(store as unknown as PermanentMemoryLevel)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  await store.close()
})

it.each([{ dir: 5 }, { dir: '' }, '', 5])('unwrap() refuses %o for a log as a store does', async wal => {
  const { backend } = await prepared('write-through')
  await expect(unwrap(backend, { wal: wal as never })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
})

it('unwrap() of a memory-level whose log is the database is refused', async () => {
  const opened = await openMode('logged', memoryLevel())
  await opened.store.put('k', text(5000))
  await opened.store.close()
  // As it is in the process of the store, and in another.
  for (const backend of [opened.backend, memoryLevel()]) {
    await expect(unwrap(backend, logOf(opened))).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
  }
})

it('unwrap() writes few large values together', async () => {
  const { store, backend } = await openMode('write-through', memoryLevel())
  for (const key of ['a', 'b', 'c']) await store.put(key, noise(1024 * 1024))
  await store.close()
  const told: number[] = []
  await unwrap(backend, { onProgress: ({ values }) => told.push(values) })
  expect(told).toEqual([1, 2, 3])
})

it('unwrap() of a memory-level without a log takes `wal: false`', async () => {
  const { store, backend } = await openMode('write-through', memoryLevel())
  await store.put('k', text(5000))
  await store.close()
  expect(await unwrap(backend, { wal: false })).toEqual({ values: 1 })
})

it('unwrap() takes a relative path on a file system of its own as it is', async () => {
  const fs = new CrashableFileSystem()
  const backend = new PermanentMemoryLevel()
  const wal = logOn(fs, { dir: 'log' })
  const store = await openLogged(wal, backend)
  await store.put('k', text(5000))
  await store.close()
  await unwrap(backend, { wal })
  expect(segmentsOn(fs)).toEqual([])
})

describe('unwrap() with maxValueSize', () => {
  it('refuses what a store would, as a store does', async () => {
    const { backend } = await prepared('write-through')
    await expect(unwrap(backend, { maxValueSize: -1 })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  })

  it('changes nothing where a value is larger', async () => {
    const { backend, expected } = await prepared('write-through')
    await expect(unwrap(backend, { maxValueSize: 69_999 })).rejects.toMatchObject({
      code: 'CKV_VALUE_TOO_LARGE',
      message: expect.stringContaining('Nothing was unwrapped')
    })
    const { store } = await openMode('write-through', backend)
    expect(await everything(store)).toEqual(expected)
    await store.close()
    expect(await unwrap(backend, { maxValueSize: 70_000 })).toEqual({ values: expected.length })
  })
})

it('unwrap() locks the database from before it reads it', async () => {
  const { backend, expected } = await prepared('write-through')
  const gate = new Gate()
  const release = intercept(backend, WRITES, async ({ proceed }) => {
    await gate.wait()
    return proceed()
  })
  const unwrapping = unwrap(backend)
  await gate.reached
  const store = new CompressedKvStore<string, Buffer>(backend, { wal: false })
  await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
  release()
  gate.open()
  await unwrapping
  expect(await everything(backend)).toEqual(expected)
})

async function refusedThere(backend: Backend, options: StoreOptions) {
  const store = new CompressedKvStore<string, Buffer>(backend, options)
  await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_NOT_SUPPORTED' } })
}

/** A closed store, and what unwrapping it should leave. */
async function prepared(mode: Mode) {
  const opened = await openMode(mode, await filled(PLAIN))
  await write(opened.store)
  await opened.store.flush()
  const expected = await everything(opened.store)
  await opened.store.close()
  return { ...opened, backend: opened.backend as PermanentMemoryLevel, expected }
}

describe('unwrap() that was interrupted', () => {
  it.each(MODES)('by its signal goes on where it was; no store opens it until then (%s)', async mode => {
    const { backend, expected, fs } = await prepared(mode)
    let calls = 0
    let total = 0
    for (;;) {
      const stop = new AbortController()
      const done = await unwrap(backend, {
        ...logOf({ mode, fs }),
        signal: stop.signal,
        onProgress: ({ values }) => {
          total += values
          stop.abort()
        }
      }).then(
        () => true,
        (error: Error) => {
          expect(error.name).toBe('AbortError')
          return false
        }
      )
      if (done) break
      calls++
      await refusedThere(backend, { wal: false })
      if (mode !== 'write-through') await refusedThere(backend, { wal: logOn(fs), memtable: mode === 'write-back' })
      expect((await backend.open(), await markerIn(backend))!.unwrapping).toBe(true)
      await backend.close()
    }
    expect(calls).toBeGreaterThan(2)
    expect(total).toBe(expected.length)
    expect(await everything(backend)).toEqual(expected)
  })

  it('of a database with one damaged value changes nothing: a store still reads the others', async () => {
    const { backend } = await prepared('write-through')
    const raw = backend
    await raw.open()
    const bytes = { keyEncoding: 'buffer', valueEncoding: 'buffer' }
    const damaged = Buffer.from((await raw.get<Buffer, Buffer>(Buffer.from('zstd'), bytes))!)
    damaged[10]! ^= 1
    await raw.put<Buffer, Buffer>(Buffer.from('zstd'), damaged, bytes)
    const before = await raw.iterator<Buffer, Buffer>(bytes).all()
    await expect(unwrap(backend)).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      message: expect.stringMatching(/^Nothing was unwrapped: the value of 'zstd'/),
      cause: { code: 'LEVEL_CORRUPTION' }
    })
    expect(await raw.iterator<Buffer, Buffer>(bytes).all()).toEqual(before)
    const { store } = await openMode('write-through', backend)
    expect(await store.get('lz4')).toEqual(text(5000))
    await expect(store.get('zstd')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    await store.close()
  })

  it('of a database with a damaged value names its key in hex where that is no text', async () => {
    const { store, backend } = await openMode('write-through')
    const key = Buffer.from([0xff, 0, 7])
    await store.put(key as never, text(5000), { keyEncoding: 'buffer' } as object)
    await store.close()
    await backend.open()
    const bytes = { keyEncoding: 'buffer', valueEncoding: 'buffer' }
    const damaged = Buffer.from((await backend.get<Buffer, Buffer>(key, bytes))!)
    damaged[10]! ^= 1
    await backend.put<Buffer, Buffer>(key, damaged, bytes)
    await expect(unwrap(backend)).rejects.toThrow('the value of the key ff0007 in hex cannot be read')
  })

  it('by a key that is too long, behind many others, changes nothing', async () => {
    const backend = new PermanentMemoryLevel()
    const { store } = await openMode('write-through', backend)
    await write(store)
    await store.put('x'.repeat(60_001), text(3000))
    await store.close()
    await backend.open()
    const bytes = { keyEncoding: 'buffer', valueEncoding: 'buffer' }
    const before = await backend.iterator<Buffer, Buffer>(bytes).all()
    await expect(unwrap(backend)).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    expect(await backend.iterator<Buffer, Buffer>(bytes).all()).toEqual(before)
    const again = await openMode('write-through', backend)
    await again.store.batch([
      { type: 'del', key: 'x'.repeat(60_001) },
      { type: 'put', key: 'x'.repeat(60_000), value: text(3000) }
    ])
    await again.store.close()
    await unwrap(backend)
    await backend.open()
    expect(await backend.get('x'.repeat(60_000))).toEqual(text(3000))
  })

  it('before it began changes nothing', async () => {
    const { backend, expected } = await prepared('write-through')
    await expect(unwrap(backend, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    const { store } = await openMode('write-through', backend)
    expect(await everything(store)).toEqual(expected)
    await store.close()
  })

  it('while it reads all values first does not read them to the end', async () => {
    const { backend } = await prepared('write-through')
    await backend.open()
    const damaged = Buffer.from((await backend.get('zstd'))!)
    damaged[10]! ^= 1
    await backend.put('zstd', damaged)
    await expect(unwrap(backend, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('by a backend that fails goes on where it was', async () => {
    const { backend, expected } = await prepared('write-through')
    await backend.open()
    const restore = failing(backend, WRITES, new Error('no room'))
    await expect(unwrap(backend)).rejects.toThrow('no room')
    restore()
    const stop = new AbortController()
    await unwrap(backend, { signal: stop.signal, onProgress: () => stop.abort() }).catch(() => {})
    const again = failing(backend, WRITES, new Error('no room'))
    await expect(unwrap(backend)).rejects.toThrow('no room')
    again()
    await unwrap(backend)
    expect(await everything(backend)).toEqual(expected)
  })

  it.each(MODES)('by a crash at any batch goes on where it was (%s)', async mode => {
    const { backend, expected, fs } = await prepared(mode)
    const whole = backend.disk.afterCrash({ unsynced: 'all' }) // All of it is on stable storage.
    for (const midway of mode === 'write-through' ? [false, true] : [true]) {
      let step = 1
      for (; ; step++) {
        const disk = whole.clone()
        const log = killed(fs)
        disk.crashAt(step, { midway })
        const dying = new PermanentMemoryLevel(disk)
        const died = await unwrap(dying, logOf({ mode, fs: log })).then(
          () => false,
          () => true
        )
        if (!died) break
        const after = new PermanentMemoryLevel(disk.afterCrash({ unsynced: step % 2 ? 'all' : 'none' }))
        await unwrap(after, logOf({ mode, fs: killed(log) }))
        expect(await everything(after), `step ${step}, midway ${midway}`).toEqual(expected)
        expect(await reservedIn(after)).toBe(0)
      }
      expect(step).toBeGreaterThan(3)
    }
  })
})

/** unwrap() that fails in a call for the log: in one after the first progress, since the log is read before that. */
async function failAtLog(backend: Backend, fs: CrashableFileSystem, call: FileCall, failure: Failure): Promise<void> {
  const faulty = new FaultyFileSystem(fs)
  let begun = false
  const onProgress = () => {
    if (!begun) faulty.fail(call, failure)
    begun = true
  }
  const { code } = failure
  await expect(unwrap(backend, { wal: logOn(faulty), onProgress })).rejects.toMatchObject({ code })
}

const segmentsOn = (log: CrashableFileSystem) => log.paths().filter(path => path.endsWith('.wal'))

describe('unwrap() that comes to the log', () => {
  it('and cannot delete it goes on with the next call; then the database can be wrapped again', async () => {
    const { backend, expected, fs } = await prepared('write-back')
    await failAtLog(backend, fs, 'remove', { code: 'EIO', path: /\.wal$/ })
    expect(segmentsOn(fs)).toHaveLength(1)
    await refusedThere(backend, { wal: logOn(fs) })
    expect(await unwrap(backend, { wal: logOn(fs) })).toEqual({ values: 0 })
    expect(segmentsOn(fs)).toEqual([])
    expect(await everything(backend)).toEqual(expected)
    const { store } = await openMode('write-back', backend, {}, fs)
    expect(await everything(store)).toEqual(expected)
    await store.close()
  })

  it('and has deleted it already puts that on stable storage before it forgets the store', async () => {
    const { backend, expected, fs } = await prepared('write-back')
    await failAtLog(backend, fs, 'syncDirectory', { code: 'EIO', after: 1 })
    expect(segmentsOn(fs)).toEqual([])
    await unwrap(backend, { wal: logOn(fs) })
    const after = powerCut(fs, 'none')
    expect(segmentsOn(after)).toEqual([])
    const { store } = await openMode('write-back', backend, {}, after)
    expect(await everything(store)).toEqual(expected)
    await store.close()
  })

  it('and cannot see whether there is one says so, and goes on with the next call', async () => {
    const { backend, expected, fs } = await prepared('write-back')
    await failAtLog(backend, fs, 'list', { code: 'EMFILE' })
    await unwrap(backend, { wal: logOn(fs) })
    expect(segmentsOn(fs)).toEqual([])
    expect(await everything(backend)).toEqual(expected)
  })

  it.each(['all', 'none'] as const)(
    'by a crash at any step leaves nothing of it in the end (unsynced: %s)',
    async unsynced => {
      const { backend, expected, fs } = await prepared('logged')
      const whole = backend.disk.afterCrash({ unsynced: 'all' }) // All of it is on stable storage.
      let step = 1
      for (; ; step++) {
        const log = powerCut(fs, 'all')
        log.crashAt(step)
        const disk = whole.clone()
        disk.diesWith(() => log.steps >= step)
        const died = await unwrap(new PermanentMemoryLevel(disk), { wal: logOn(log) }).then(
          () => false,
          () => true
        )
        const logAfter = powerCut(log, unsynced)
        const after = new PermanentMemoryLevel(disk.afterCrash({ unsynced }))
        if (died) await unwrap(after, { wal: logOn(logAfter) })
        expect(segmentsOn(logAfter), `step ${step}`).toEqual([])
        expect(await everything(after), `step ${step}`).toEqual(expected)
        expect(await reservedIn(after)).toBe(0)
        if (!died) break
      }
      expect(step).toBeGreaterThan(3)
    }
  )
})

describe.each(MODES)('unwrap() over a backend that fails to close (%s)', mode => {
  it.each([false, true])('works when it is called again (open before: %s)', async isOpen => {
    const { store, backend, fs } = await openMode(mode)
    await store.put('k', text(3000))
    await store.close()
    if (isOpen) await backend.open()
    const repair = failing(backend, ['_close'], new Error('not now'))
    await expect(unwrap(backend, logOf({ mode, fs }))).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_CLOSED' })
    repair()
    expect(await unwrap(backend, logOf({ mode, fs }))).toEqual({ values: 1 })
    expect(backend.status).toBe('open')
    expect(await backend.get('k')).toEqual(text(3000))
    await backend.close()
  })
})

describe('unwrap() that fails early leaves the database as it was found', () => {
  const MARKER = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

  it.each([false, true])('with a damaged marker (open before: %s)', async isOpen => {
    const { backend } = await prepared('write-through')
    await backend.open()
    const marker = Buffer.from((await backend.get<Buffer, Buffer>(MARKER_KEY, MARKER))!)
    marker[10]! ^= 1
    await backend.put<Buffer, Buffer>(MARKER_KEY, marker, MARKER)
    if (!isOpen) await backend.close()
    await expect(unwrap(backend)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(backend.status).toBe(isOpen ? 'open' : 'closed')
  })

  it.each([false, true])('where its log is missing (open before: %s)', async isOpen => {
    const opened = await openMode('write-back')
    await write(opened.store)
    await opened.store.sync()
    const disk = (opened.backend as PermanentMemoryLevel).disk.clone()
    await opened.store.close()
    const backend = new PermanentMemoryLevel(disk)
    if (isOpen) await backend.open()
    await expect(unwrap(backend, { wal: logOn(new CrashableFileSystem()) })).rejects.toMatchObject({
      cause: { code: 'LEVEL_CORRUPTION' }
    })
    expect(backend.status).toBe(isOpen ? 'open' : 'closed')
  })
})

it('unwrap() leaves the database open to a store that took it meanwhile', async () => {
  const { backend } = await prepared('write-through')
  const unwrapping = unwrap(backend)
  const store = new CompressedKvStore<string, Buffer>(backend, { wal: false })
  const [ofUnwrap, ofOpen] = await failures([unwrapping, store.open()])
  expect(ofUnwrap).toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
  expect(ofOpen).toBeUndefined()
  expect(await store.get('lz4')).toEqual(text(5000))
  await store.close()
})

describe('unwrap() of a store that crashed', () => {
  it.each(['write-back', 'logged'] as const)('gives the database what the log has first (%s)', async mode => {
    const opened = await openMode(mode, await filled(PLAIN))
    const { store, fs } = opened
    await write(store)
    await store.del('plain')
    await store.sync()
    const expected = await everything(store)
    const disk = (opened.backend as PermanentMemoryLevel).disk.clone()
    const crashed = new PermanentMemoryLevel(disk)
    const log = killed(fs)
    await store.close()
    await expect(unwrap(crashed)).rejects.toMatchObject({ cause: { code: 'LEVEL_NOT_SUPPORTED' } }) // Without its log.
    expect((await unwrap(crashed, { wal: logOn(log) })).values).toBe(expected.length)
    expect(await everything(crashed)).toEqual(expected)
  })
})

describe('unwrap() over classic-level', () => {
  it('of a database that was never wrapped makes no log', async () => {
    const directory = temporaryDirectory()
    const bare = classicLevel(directory)
    await bare.put('k', text(5000))
    expect(await unwrap(bare)).toEqual({ values: 0 })
    expect(await unwrap(bare, { wal: join(directory, 'elsewhere') })).toEqual({ values: 0 })
    expect(readdirSync(directory)).not.toContain('ckv-wal')
    expect(readdirSync(directory)).not.toContain('elsewhere')
    await bare.close()
  })

  const OPTIONS: Record<Mode, StoreOptions> = {
    'write-back': {},
    logged: { memtable: false },
    'write-through': { wal: false }
  }

  it.each(MODES)('of a %s store leaves the bare database, and no log; wrapping it again works', async mode => {
    const directory = temporaryDirectory()
    const plain = classicLevel(directory)
    for (const [key, value] of PLAIN) await plain.put(key, value)
    await plain.close()
    const store = new CompressedKvStore<string, Buffer>(classicLevel(directory), OPTIONS[mode])
    await store.open()
    await write(store)
    const expected = await everything(store)
    const copy = copyWhileOpen(directory)
    await store.close()
    for (const path of mode === 'write-through' ? [directory] : [directory, copy]) {
      const bare = classicLevel(path)
      expect((await unwrap(bare)).values).toBe(expected.length)
      expect(bare.status).toBe('closed')
      expect(await everything(bare)).toEqual(expected)
      expect(await reservedIn(bare)).toBe(0)
      expect(existsSync(join(path, 'ckv-wal'))).toBe(false)
      await bare.close()
      const again = new CompressedKvStore<string, Buffer>(classicLevel(path), OPTIONS[mode])
      await again.put('newer', text(5000))
      expect((await everything(again)).length).toBe(expected.length + 1)
      await again.close()
    }
  })

  it('leaves the log where it is with `wal: false`, and otherwise what is no segment of it', async () => {
    const [kept, removed] = [temporaryDirectory(), temporaryDirectory()]
    for (const directory of [kept, removed]) {
      const store = new CompressedKvStore<string, Buffer>(classicLevel(directory))
      await store.put('k', text(5000))
      await store.close()
      writeFileSync(join(directory, 'ckv-wal', '000001.torn'), 'a torn end')
    }
    const before = inLog(kept)
    await unwrap(classicLevel(kept), { wal: false })
    await unwrap(classicLevel(removed))
    expect(before.length).toBeGreaterThan(1)
    expect(inLog(kept)).toEqual(before)
    expect(inLog(removed)).toEqual(['000001.torn'])
  })

  it('leaves no second copy of the values behind', async () => {
    const directory = temporaryDirectory()
    const values = Array.from({ length: 40 }, (_, i) => noise(300_000, i + 1))
    const store = await openLogged(true, classicLevel(directory), { memtable: {} })
    for (const [i, value] of values.entries()) await store.put(`k${i}`, value)
    await store.close()
    const bare = classicLevel(directory)
    expect(await unwrap(bare)).toEqual({ values: 40 })
    // LevelDB removes what a compaction left over when it opens, at the latest.
    await bare.open()
    await bare.close()
    expect(bytesIn(directory)).toBeLessThan(1.2 * 40 * 300_000)
  })

  it('interrupted, then gone on with by another process', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(true, classicLevel(directory), { memtable: {} })
    await write(store)
    const expected = await everything(store)
    await store.close()
    const stop = new AbortController()
    const first = classicLevel(directory)
    await expect(unwrap(first, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({
      name: 'AbortError'
    })
    expect(first.status).toBe('closed')
    await expect(openLogged(true, classicLevel(directory))).rejects.toMatchObject({
      cause: { code: 'LEVEL_NOT_SUPPORTED' }
    })
    const second = classicLevel(directory)
    await unwrap(second)
    expect(await everything(second)).toEqual(expected)
    expect(await reservedIn(second)).toBe(0)
    await second.close()
  })
})
