import { createHash } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it, vi } from 'vitest'
import { type BackupReport, CompressedKvStore, inspect, unwrap } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { Gate } from '../support/gate.js'
import { bareEntries, envelopeOf, filled, MODES, type Mode, openMode } from '../support/gc-store.js'
import { failing, intercept, WRITES } from '../support/intercept.js'
import { logOn, memoryLevel, openLogged, refusal, type Store } from '../support/logged-store.js'
import { memory, openStore, storedEntries } from '../support/memory-store.js'
import { BackendDisk, PermanentMemoryLevel } from '../support/permanent-memory-level.js'
import { noise, text } from '../support/sample-values.js'
import { documents, keyOf } from '../support/small-documents.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const DOCUMENTS = documents(40)
const DICTIONARY = Buffer.concat(DOCUMENTS.slice(0, 30))
const LARGE = text(100_000)
const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

const BACKENDS = {
  'a permanent backend': () => new PermanentMemoryLevel(),
  'memory-level': memoryLevel
}
const CASES = MODES.flatMap(mode => Object.entries(BACKENDS).map(([over, backend]) => ({ mode, over, backend })))
const TARGETS: Record<string, () => Level<string, Buffer> | MemoryLevel<string, Buffer>> = {
  'classic-level': () => new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' }),
  'memory-level': memoryLevel
}

/** Values of every form over a database that had some before it was wrapped. */
async function populated(
  mode: Mode,
  backend: () => PermanentMemoryLevel | MemoryLevel<string, Buffer>
): Promise<Store> {
  const before = await filled([['plain', Buffer.from('from before')]], backend())
  const { store } = await openMode(mode, before, { codec: 'zstd', dictionary: DICTIONARY })
  await Promise.all(DOCUMENTS.map((value, i) => store.put(keyOf(i), value)))
  await store.put('large', LARGE)
  await store.put('noise', noise(70_000))
  await store.put('lz4', LARGE, { codec: 'lz4' })
  await store.put('later', text(2000), { ttl: 1_000_000_000 })
  await store.put('nothing', Buffer.alloc(0))
  await store.sublevel('sub').put('k', 'v')
  return store
}

/** Every entry, a value as its digest: large buffers take long to compare. */
async function everything(store: Store): Promise<string[]> {
  const entries = await store.iterator().all()
  return entries.map(([key, value]) => `${key} ${createHash('sha1').update(value).digest('hex')}`)
}

describe.each(CASES)('a backup of a store over $over, $mode', ({ mode, backend }) => {
  it.each(Object.keys(TARGETS))('has all that the store has, in %s', async name => {
    const store = await populated(mode, backend)
    const target = TARGETS[name]!()
    const report = await store.backup(target)
    const entries = await everything(store)
    expect(report.entries).toBe(entries.length)
    await store.close()

    const copy = new CompressedKvStore<string, Buffer>(target, { wal: false })
    expect(await everything(copy)).toEqual(entries)
    await copy.put('new', LARGE)
    expect(LARGE.equals((await copy.get('new'))!)).toBe(true)
    await copy.close()
    const inspected = await inspect(target)
    expect(inspected.marker).toMatchObject({
      guarded: true,
      plainValues: true,
      ttlUsed: true,
      logExists: false,
      applied: 0
    })
    for await (const { key, opened } of inspected.entries({ gte: Buffer.from('later'), lt: Buffer.from('later~') })) {
      expect(key.toString()).toBe('later')
      expect(opened!.expiresAt).toBeGreaterThan(Date.now())
    }
    await target.close()
    await unwrap(target)
    await target.open()
    expect(LARGE.equals((await target.get('large'))!)).toBe(true)
    await target.close()
  })
})

describe.each(MODES)('%s: a backup', mode => {
  it('is of one moment, while writes go on', async () => {
    const { store } = await openMode(mode, undefined, {}, undefined)
    const value = text(2000)
    const write = (i: number) =>
      store.batch(
        ['a', `m${i}`, 'z'].map(key => ({
          type: 'put' as const,
          key,
          value: Buffer.concat([Buffer.from(`${i} `), value])
        }))
      )
    for (let i = 0; i < 50; i++) await write(i)
    const target = memory()
    let written = 50
    const done = new AbortController()
    const writing = (async () => {
      while (!done.signal.aborted) await write(written++)
    })()
    await store.backup(target)
    done.abort()
    await writing
    await store.close()

    const { store: copy } = await openStore({}, target)
    const [first, last] = (await copy.getMany(['a', 'z'])).map(found => parseInt(found!.toString(), 10))
    expect(first).toBe(last)
    expect(await copy.has(`m${first}`)).toBe(true)
    expect(await copy.has(`m${first! + 1}`)).toBe(false)
    await copy.close()
  })
})

it('has the dictionaries that its values need after a clear that has no upper bound and is not flushed', async () => {
  const { store, backend } = await openMode('write-back', undefined, { codec: 'zstd', dictionary: DICTIONARY })
  await Promise.all(DOCUMENTS.map((value, i) => store.put(keyOf(i), value)))
  await store.flush()
  await store.put('z', text(10))
  const repair = failing(backend, WRITES, new Error('no space left'))
  await store.clear({ gte: 'z' })
  const target = memoryLevel()
  await store.backup(target)
  const { store: copy } = await openStore({}, target)
  expect(await everything(copy)).toEqual(await everything(store))
  await copy.close()
  repair()
  await store.close()
})

it('has what a backend refused to take', async () => {
  const { store, backend } = await openMode('write-back')
  await store.put('deleted', LARGE)
  await store.put('flushed', LARGE)
  await store.put('ttl', LARGE, { ttl: 1_000_000 })
  await store.flush()
  const repair = failing(backend, WRITES, new Error('no space left'))
  await store.put('short', Buffer.from('kept'))
  await store.put('ttl', Buffer.from('kept for a while'), { ttl: 1_000_000 })
  await store.del('deleted')
  const target = memory()
  await store.backup(target)
  repair()
  await store.close()
  const { store: copy } = await openStore({}, target)
  expect(await copy.keys().all()).toEqual(['flushed', 'short', 'ttl'])
  expect(await copy.get('short')).toEqual(Buffer.from('kept'))
  expect((await envelopeOf(target, 'ttl')).expiresAt).toBeGreaterThan(Date.now())
  await copy.close()
})

it('has checksums for what the store had in memory, since the target may have none', async () => {
  const { store, backend } = await openMode('write-back')
  await store.put('flushed', LARGE)
  await store.flush()
  const repair = failing(backend, WRITES, new Error('no space left'))
  await store.put('short', Buffer.from('kept'))
  const target = memory()
  await store.backup(target)
  repair()
  await store.close()
  await target.open()
  const stored = Buffer.from((await target.get('short'))!)
  stored[0]! ^= 1
  await target.put('short', stored)
  const { store: copy } = await openStore({}, target)
  await expect(copy.get('short')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  await copy.close()
})

it('flushes first, so that the copy is compressed, and tells how many bytes it has', async () => {
  const { store } = await openMode('write-back', undefined, { dictionary: false })
  await store.put('a', text(5000))
  await store.put('b', text(5000))
  const target = memory()
  const { bytes } = await store.backup(target)
  await store.close()
  const stored = (await bareEntries(target)).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  expect(bytes).toBe(stored)
  expect(bytes).toBeLessThan(5000)
  await target.close()
})

it('copies a damaged value as it is', async () => {
  const { store, backend } = await openStore()
  await store.put('damaged', LARGE)
  await store.put('sound', LARGE)
  await store.close()
  await backend.open()
  const stored = Buffer.from((await backend.get('damaged'))!)
  stored[100]! ^= 1
  await backend.put('damaged', stored)
  const reopened = new CompressedKvStore(backend)
  const target = memory()
  await reopened.backup(target)
  await reopened.close()
  const { store: copy } = await openStore({}, target)
  await expect(copy.get('damaged')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  expect(LARGE.equals((await copy.get('sound'))!)).toBe(true)
  await copy.close()
})

it.each([false, true])('shares no memory with the store (where the backend refused the flush: %s)', async isRefused => {
  const { store, backend } = await openMode('write-back')
  await store.put('k', noise(100))
  await store.flush()
  const repair = isRefused ? failing(backend, WRITES, new Error('no space left')) : undefined
  await store.put('k', LARGE)
  const target = memory()
  await store.backup(target)
  await target.open()
  const [first] = await target.iterator<Buffer, Buffer>({ ...AS_BYTES, limit: 1 }).all()
  for (const bytes of first!) bytes.fill(0)
  expect(await store.keys().all()).toEqual(['k'])
  expect(LARGE.equals((await store.get('k'))!)).toBe(true)
  repair?.()
  await Promise.all([store.close(), target.close()])
})

it('leaves nothing behind on the store, its backend and the signal', async () => {
  const { store, backend } = await openStore()
  await store.put('k', LARGE)
  const { signal } = new AbortController()
  const resources = [store, backend].flatMap(level => [
    vi.spyOn(level, 'attachResource'),
    vi.spyOn(level, 'detachResource')
  ])
  await store.backup(memory(), { signal })
  const [attached, detached, attachedBelow, detachedBelow] = resources.map(({ mock }) => mock.calls.length)
  expect(attached).toBeGreaterThan(0)
  expect([detached, detachedBelow]).toEqual([attached, attachedBelow])
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await store.close()
})

it('is a store of its own, which the log of the first does not fit', async () => {
  const { store, fs } = await openMode('write-back')
  await store.put('k', LARGE)
  const target = new PermanentMemoryLevel()
  await store.backup(target)
  await store.close()
  expect(await refusal(logOn(fs), target)).toMatchObject({ code: 'LEVEL_CORRUPTION' })
  await (await openLogged(logOn(fs, { dir: '/another' }), target)).close()
})

it('leaves the target open or closed, as it was', async () => {
  const { store } = await openStore()
  const [open, closed] = [memory(), memory()]
  await Promise.all([open.open(), closed.close()])
  await Promise.all([store.backup(open), store.backup(closed)])
  expect([open.status, closed.status]).toEqual(['open', 'closed'])
  await store.close()
})

it('hands small entries over in batches that hold up nothing', async () => {
  const { store } = await openStore()
  await store.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put' as const, key: `k${i}`, value: noise(1) })))
  const reports: BackupReport[] = []
  await store.backup(memory(), { onProgress: report => reports.push(report) })
  expect(reports.map(({ entries }) => entries)).toEqual([1000, 2000, 2500])
  await store.close()
})

it('keeps stores and other backups away from the target', async () => {
  const { store } = await openStore()
  await store.put('k', LARGE)
  const target = memory()
  const gate = new Gate()
  const release = intercept(target, WRITES, async ({ proceed }) => {
    await gate.wait()
    return proceed()
  })
  const backup = store.backup(target)
  await gate.reached
  expect(await refusal(false, target)).toMatchObject({ code: 'LEVEL_LOCKED' })
  await expect(store.backup(target)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
  release()
  gate.open()
  await backup
  expect(await refusal(false, target)).toMatchObject({ code: undefined })
  await store.close()
})

it('waits for a store that opens', async () => {
  const backend = await filled([['k', LARGE]])
  const store = new CompressedKvStore<string, Buffer>(backend)
  const target = memory()
  expect(await store.backup(target)).toMatchObject({ entries: 1 })
  await store.close()
})

/** A backup that was ended after its first batch by `end`, which gets the store. */
async function unfinished(
  end: (store: Store) => unknown
): Promise<{ target: MemoryLevel<string, Buffer>; error: unknown }> {
  const { store } = await openStore({ codec: 'none' })
  await store.batch(
    Array.from({ length: 80 }, (_, i) => ({ type: 'put' as const, key: `k${i}`, value: noise(100_000) }))
  )
  const target = memory()
  const ending = new AbortController()
  let ended: unknown
  const onProgress = () => {
    ended ??= end(store) ?? ending.abort()
  }
  const [error] = await failures([store.backup(target, { signal: ending.signal, onProgress })])
  await ended
  await store.close()
  return { target, error }
}

describe('a backup that is not finished', () => {
  it.each([
    ['its signal', () => undefined, { name: 'AbortError' }],
    ['the store being closed', (store: Store) => store.close(), { code: 'LEVEL_DATABASE_NOT_OPEN' }],
    [
      'a listener that throws',
      () => {
        throw new RangeError('of a test')
      },
      { message: 'of a test' }
    ]
  ] as [string, (store: Store) => unknown, object][])(
    'because of %s is opened by no store, until it is cleared',
    async (_, end, reason) => {
      const { target, error } = await unfinished(end)
      expect(error).toMatchObject(reason)
      const wrong = { code: 'LEVEL_NOT_SUPPORTED', message: expect.stringContaining('clear it, and back up again') }
      expect(await failures([inspect(target), unwrap(target)])).toMatchObject([wrong, wrong])
      expect(await refusal(false, target)).toMatchObject(wrong)

      await target.open()
      await target.clear()
      const { store } = await openStore()
      await store.put('k', LARGE)
      await store.backup(target)
      await Promise.all([store.close(), target.close()])
      const { store: copy } = await openStore({}, target)
      expect(LARGE.equals((await copy.get('k'))!)).toBe(true)
      await copy.close()
    }
  )

  it('because its signal was aborted before leaves the target as it was', async () => {
    const { store } = await openStore()
    await store.put('k', LARGE)
    const target = memory()
    await expect(store.backup(target, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    await target.open()
    expect(await storedEntries(target)).toEqual([])
    await Promise.all([store.close(), target.close()])
  })

  it.each([false, true])('because of a power cut at any write is opened by no store (midway: %s)', async midway => {
    const { store } = await openStore()
    await store.batch(Array.from({ length: 2100 }, (_, i) => ({ type: 'put' as const, key: `k${i}`, value: noise(1) })))
    const found: unknown[] = []
    for (let step = 1; step <= 6; step++) {
      const disk = new BackendDisk()
      disk.crashAt(step, { midway })
      await failures([store.backup(new PermanentMemoryLevel(disk))])
      const target = new PermanentMemoryLevel(disk.afterCrash({ unsynced: 'none' }))
      const { code } = await refusal(false, target)
      found.push(code ?? (await bareEntries(target)).length)
    }
    // The last write says that it is finished.
    const unfinishedOnes = Array.from({ length: 4 }, () => 'LEVEL_NOT_SUPPORTED')
    expect(found).toEqual(midway ? [...unfinishedOnes, 2100, 2100] : [0, ...unfinishedOnes, 2100])
    await store.close()
  })

  it('because the target fails says so', async () => {
    const { store } = await openStore()
    await store.put('k', LARGE)
    const target = memory()
    await target.open()
    failing(target, WRITES, new Error('no space left'))
    await expect(store.backup(target)).rejects.toThrow('no space left')
    await Promise.all([store.close(), target.close()])
  })
})

it('is refused where it cannot be', async () => {
  const { store } = await openStore()
  await store.put('k', LARGE)
  const full = await filled([['k', LARGE]], memory())
  const { store: other, backend: locked } = await openStore()
  const onlyText = new MemoryLevel({ storeEncoding: 'utf8' })
  const noOption = { onProgess: () => {} } as object
  const withoutSnapshots = memory()
  Object.assign(withoutSnapshots.supports, { implicitSnapshots: false })
  const { store: fuzzy } = await openStore({}, withoutSnapshots)
  const { store: closed, backend: wrapped } = await openStore()
  await closed.put('k', LARGE)
  await closed.close()
  await wrapped.open()
  const refused = await failures([
    store.backup(full),
    store.backup(locked),
    store.backup(store.backend),
    store.backup(store.sublevel('part')),
    store.backup(store),
    store.backup(other),
    store.backup(other.sublevel('part')),
    store.backup(wrapped.sublevel('part')),
    store.backup(onlyText),
    store.backup(memory(), noOption),
    store.backup('./directory' as unknown as MemoryLevel),
    fuzzy.backup(memory())
  ])
  expect(refused.map(error => (error as { code: string }).code)).toEqual([
    'LEVEL_NOT_SUPPORTED',
    'LEVEL_LOCKED',
    'LEVEL_LOCKED',
    'CKV_INVALID_OPTION',
    'CKV_INVALID_OPTION',
    'CKV_INVALID_OPTION',
    'CKV_INVALID_OPTION',
    'LEVEL_NOT_SUPPORTED',
    'LEVEL_NOT_SUPPORTED',
    'CKV_INVALID_OPTION',
    'LEVEL_NOT_SUPPORTED',
    'LEVEL_NOT_SUPPORTED'
  ])
  await expect(store.backup(wrapped)).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
  expect(await full.keys().all()).toEqual(['k'])
  expect(await other.keys().all()).toEqual([])
  expect(await wrapped.sublevel('part').keys().all()).toEqual([])
  const all = [store, other, fuzzy, full, wrapped, onlyText]
  await Promise.all(all.map(database => database.close()))
})
