import type { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { type CodecName, type Gc, Lz4Gc, unwrap, zstd, ZstdGc } from '../../../src/index.js'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { type Backend, bareEntries, envelopeOf, MODES, openAfterKill, openMode } from '../../support/gc-store.js'
import { failing, WRITES } from '../../support/intercept.js'
import { contents, logOn, memoryLevel, openLogged, powerCut, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'
import { documents, keyOf } from '../../support/small-documents.js'
import { turns } from '../../support/turns.js'

const DOCUMENTS = documents(60)
const FIRST = Buffer.concat(DOCUMENTS.slice(0, 30))
const SECOND = Buffer.concat(documents(40, 7))

const CODECS: CodecName[] = ['lz4', 'zstd']
const EVERYWHERE = MODES.flatMap(mode => CODECS.map(codec => ({ mode, codec })))
const policyOf = (codec: CodecName) => (codec === 'lz4' ? new Lz4Gc() : new ZstdGc())

const isThere = async (backend: Backend, id: number) => {
  const level = backend as MemoryLevel<string, Buffer>
  return (await level.get(dictionaryKey(id) as unknown as string, { keyEncoding: 'buffer' })) !== undefined
}

async function storesOf(mode: (typeof MODES)[number], codec: CodecName, dictionaries: (Buffer | false)[]) {
  const backend = new PermanentMemoryLevel()
  for (const [i, dictionary] of dictionaries.entries()) {
    const { store } = await openMode(mode, backend, { codec, dictionary })
    await Promise.all(DOCUMENTS.slice(20 * i, 20 * i + 20).map((value, n) => store.put(keyOf(20 * i + n), value)))
    if (i === dictionaries.length - 1) return { backend, store }
    await store.close()
  }
  throw new Error('No dictionaries')
}

describe.each(EVERYWHERE)('$mode, $codec: a sweep', ({ mode, codec }) => {
  it('moves what is raw, and what needs an older dictionary, to the one in use, and removes the older', async () => {
    const { store, backend } = await storesOf(mode, codec, [FIRST, false, SECOND])
    const before = await contents(store)
    const report = await store.gc.run({ policy: policyOf(codec) })
    expect(report).toMatchObject({ complete: true, failed: 0, recompressed: 40 })
    expect(await contents(store)).toEqual(before)
    for (const [i] of DOCUMENTS.entries()) expect((await envelopeOf(backend, keyOf(i))).dictionary).toBe(2)
    expect([await isThere(backend, 1), await isThere(backend, 2)]).toEqual([false, true])
    expect(await store.gc.run({ policy: policyOf(codec) })).toMatchObject({ recompressed: 0 })
    await store.close()
    const again = await openMode(mode, backend, { codec, dictionary: FIRST })
    expect(await contents(again.store)).toEqual(before)
    await again.store.put('x', DOCUMENTS[0]!)
    await again.store.flush()
    // An id is never given twice.
    expect((await envelopeOf(backend, 'x')).dictionary).toBe(3)
    await again.store.close()
  })

  it('leaves a value its time to live', async () => {
    const { store } = await openMode(mode, undefined, { codec, dictionary: FIRST })
    await store.put('before', DOCUMENTS[1]!)
    await store.put('k', DOCUMENTS[0]!, { ttl: 1_000_000, codec: 'none' })
    await store.flush()
    const { expiresAt } = await envelopeOf(store.backend as never, 'k')
    expect(await store.gc.run({ policy: policyOf(codec) })).toMatchObject({ recompressed: 1 })
    expect(await envelopeOf(store.backend as never, 'k')).toMatchObject({ dictionary: 1, expiresAt })
    expect(expiresAt).toBeGreaterThan(Date.now())
    await store.close()
  })

  it('counts those that it removes no longer, and the next one writes nothing', async () => {
    const { store, backend } = await storesOf(mode, codec, [FIRST, SECOND])
    await store.flush()
    expect(store.stats().dictionary.count).toBe(2)
    await store.gc.run({ policy: policyOf(codec) })
    expect(store.stats().dictionary.count).toBe(1)
    const { length } = backend.disk.batches
    await store.gc.run({ policy: policyOf(codec) })
    expect(backend.disk.batches.length).toBe(length)
    await store.close()
  })

  it('that was interrupted, or leaves a value, removes no dictionary', async () => {
    const { store, backend } = await storesOf(mode, codec, [FIRST, SECOND])
    const stop = new AbortController()
    stop.abort()
    await store.gc.run({ policy: policyOf(codec), signal: stop.signal })
    expect(await isThere(backend, 1)).toBe(true)
    const leaving = {
      process: (value: Parameters<Lz4Gc['process']>[0]) =>
        value.key.toString() === keyOf(3) ? ({ action: 'keep' } as const) : policyOf(codec).process(value)
    }
    expect(await store.gc.run({ policy: leaving })).toMatchObject({ complete: true })
    expect(await isThere(backend, 1)).toBe(true)
    expect(await store.get(keyOf(3))).toEqual(DOCUMENTS[3])
    await store.close()
  })

  it('that only marks a value removes no dictionary that it needs', async () => {
    const { store, backend } = await storesOf(mode, codec, [FIRST, SECOND])
    const marking: Gc = { process: () => ({ action: 'probed', codec: zstd() }) }
    expect(await store.gc.run({ policy: marking })).toMatchObject({ complete: true, probed: 40 })
    expect(await isThere(backend, 1)).toBe(true)
    await store.close()
    const again = await openMode(mode, backend, { codec, dictionary: false })
    expect(await again.store.get(keyOf(3))).toEqual(DOCUMENTS[3])
    await again.store.close()
  })

  it('shows a snapshot from before it what it showed', async () => {
    const { store } = await storesOf(mode, codec, [FIRST, SECOND])
    await store.flush()
    const snapshot = store.snapshot()
    const iterator = store.iterator()
    await store.gc.run({ policy: policyOf(codec) })
    expect(await store.get(keyOf(5), { snapshot })).toEqual(DOCUMENTS[5])
    expect((await iterator.all()).map(([, value]) => value)).toEqual(DOCUMENTS.slice(0, 40))
    await iterator.close()
    await snapshot.close()
    await store.close()
  })

  it('keeps what it can where no dictionary is used any more', async () => {
    const { store, backend } = await storesOf(mode, codec, [FIRST, false])
    const before = await contents(store)
    await store.gc.run({ policy: policyOf(codec) })
    expect(await contents(store)).toEqual(before)
    expect(await isThere(backend, 1)).toBe(true)
    await store.close()
  })

  it('unwrap() gives everything back as it was, and takes the dictionaries away', async () => {
    const { store, backend } = await storesOf(mode, codec, [FIRST, SECOND])
    await store.close()
    expect(await unwrap(backend, { wal: false })).toEqual({ values: 40 })
    expect(await bareEntries(backend)).toEqual(DOCUMENTS.slice(0, 40).map((value, i) => [keyOf(i), value]))
    expect(await backend.keys().all()).toHaveLength(40)
  })
})

it.each(CODECS)(
  '%s: a value that a write overtakes which is then refused keeps the dictionary that it needs',
  async codec => {
    const { store, backend } = await storesOf('write-through', codec, [FIRST, SECOND])
    let outcome: unknown
    const policy: Gc = {
      process: async value => {
        if (value.key.toString() === keyOf(3)) {
          const repair = failing(backend, WRITES, new Error('refused'))
          outcome = await store.put(keyOf(3), DOCUMENTS[4]!).catch((error: unknown) => error)
          repair()
        }
        return policyOf(codec).process(value)
      }
    }
    expect(await store.gc.run({ policy })).toMatchObject({ complete: true, overtaken: 1, recompressed: 19 })
    expect(outcome).toMatchObject({ message: 'refused' })
    expect(await isThere(backend, 1)).toBe(true)
    expect(await store.get(keyOf(3))).toEqual(DOCUMENTS[3])
    await store.close()
  }
)

async function keysLoggedIn(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const { record } of store.wal!.read()) keys.push(record.key.toString())
  return keys
}

const LOGGED = EVERYWHERE.filter(({ mode }) => mode !== 'write-through')

describe.each(LOGGED)('$mode, $codec, with values sealed in the log: a sweep', ({ mode, codec }) => {
  /** Five values that need a dictionary no longer in use, and one that needs the next; the log has them all. */
  async function logged() {
    const backend = new PermanentMemoryLevel()
    const fs = new CrashableFileSystem()
    const faulty = new FaultyFileSystem(fs)
    const open = (dictionary: Buffer) => {
      const memtable = mode === 'write-back' ? { flushIntervalMs: Infinity } : (false as const)
      return openLogged(logOn(faulty, { segmentBytes: 1 << 24 }), backend, { memtable, codec, dictionary })
    }
    const first = await open(FIRST)
    for (const i of [0, 1, 2, 3, 4]) await first.put(keyOf(i), DOCUMENTS[i]!, { codec })
    await first.close()
    const store = await open(SECOND)
    const repair = faulty.fail('remove', { code: 'EIO', times: Infinity, path: /\.wal$/ })
    await store.put(keyOf(5), DOCUMENTS[5]!, { codec })
    await store.flush()
    await turns()
    repair()
    expect(await keysLoggedIn(store)).toEqual([0, 1, 2, 3, 4, 5].map(keyOf))
    return { mode, store, backend, fs, faulty }
  }

  it('removes no dictionary before what needs it has left the log: that can be read, also after a crash', async () => {
    const opened = await logged()
    const { store, backend } = opened
    const policy = {
      process: async (value: Parameters<Lz4Gc['process']>[0]) => {
        if (value.key.toString() === keyOf(0)) await store.put('meanwhile', DOCUMENTS[6]!, { codec })
        return policyOf(codec).process(value)
      }
    }
    expect(await store.gc.run({ policy })).toMatchObject({ complete: true, recompressed: 5 })
    expect([await isThere(backend, 1), await isThere(backend, 2)]).toEqual([false, true])
    await store.put('after', DOCUMENTS[7]!, { codec })
    expect(await keysLoggedIn(store)).toEqual(['after'])
    await store.sync()
    const again = (await openAfterKill(opened, { codec, dictionary: SECOND })).store
    expect(await keysLoggedIn(again)).toEqual(['after'])
    for (const [i, key] of [keyOf(0), keyOf(5), 'meanwhile', 'after'].entries())
      expect(await again.get(key)).toEqual(DOCUMENTS[[0, 5, 6, 7][i]!])
    await again.close()
    await store.close()
  })

  it('leaves the dictionary to the next one where a reader holds up the log', async () => {
    const { store, backend } = await logged()
    const reader = store.wal!.read()
    await reader.next()
    await store.gc.run({ policy: policyOf(codec) })
    expect(await isThere(backend, 1)).toBe(true)
    const rest: string[] = []
    for await (const { record } of reader) rest.push(record.key.toString())
    expect(rest).toEqual([1, 2, 3, 4, 5].map(keyOf))
    await store.gc.run({ policy: policyOf(codec) })
    expect(await isThere(backend, 1)).toBe(false)
    await store.close()
  })

  it('leaves it to the next one where the log cannot be shortened, and stats() say why', async () => {
    const { store, backend, faulty } = await logged()
    const repair = faulty.fail('remove', { code: 'EROFS', times: Infinity, path: /\.wal$/ })
    expect(await store.gc.run({ policy: policyOf(codec) })).toMatchObject({ complete: true, recompressed: 5 })
    expect(await isThere(backend, 1)).toBe(true)
    expect(store.stats().wal!.lastGcError).toMatchObject({ code: 'EROFS' })
    repair()
    await store.gc.run({ policy: policyOf(codec) })
    expect(await isThere(backend, 1)).toBe(false)
    await store.close()
  })
})

it.each(LOGGED)(
  '$mode, $codec: a dictionary goes when the deletion of what a policy dropped is on stable storage, not before',
  async ({ mode, codec }) => {
    const { store: before, backend } = await storesOf(mode, codec, [FIRST, SECOND])
    await before.put('large', noise(100_000)) // Else so much is dropped that the backend is compacted.
    await before.close()
    const { store, fs } = await openMode(mode, backend, { codec, dictionary: SECOND })
    const policy: Gc = { process: ({ dictionary }) => ({ action: dictionary === 1 ? 'drop' : 'keep' }) }
    expect(await store.gc.run({ policy })).toMatchObject({ dropped: 20, complete: true })
    expect(await isThere(backend, 1)).toBe(false)
    const found = new PermanentMemoryLevel(backend.disk.afterCrash({ unsynced: 'none' }))
    const after = await openMode(mode, found, { codec, dictionary: SECOND }, powerCut(fs, 'none'))
    expect(await contents(after.store)).toEqual(await contents(store))
    await after.store.close()
    await store.close()
  }
)

it('a sweep with another codec moves values together with the dictionary', async () => {
  const { store, backend } = await storesOf('write-through', 'lz4', [FIRST, SECOND])
  await store.gc.run({ policy: new ZstdGc() })
  for (let i = 0; i < 20; i++) expect(await envelopeOf(backend, keyOf(i))).toMatchObject({ codecId: 2, dictionary: 2 })
  await store.gc.run({ policy: new Lz4Gc() })
  expect(await envelopeOf(backend, keyOf(0))).toMatchObject({ codecId: 2, dictionary: 2 })
  await store.close()
})

it.each(['write-back', 'logged'] as const)(
  '%s over memory-level: no dictionary goes, since the log may need it',
  async mode => {
    const backend = memoryLevel()
    const { store } = await openMode(mode, backend, { codec: 'lz4', dictionary: FIRST })
    await store.put('a', DOCUMENTS[0]!)
    await store.gc.run()
    expect(await isThere(backend, 1)).toBe(true)
    await store.close()
  }
)
