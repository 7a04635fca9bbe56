import type { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { type CodecName, CompressedKvStore, inspect, unwrap } from '../../../src/index.js'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { MODES, openMode } from '../../support/gc-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { everyBitFlipped, noise } from '../../support/sample-values.js'
import { documents } from '../../support/small-documents.js'
import { rejectedCode, thrownCode } from '../../support/thrown-code.js'

const DOCUMENTS = documents(30)
const FIRST = Buffer.concat(DOCUMENTS.slice(0, 4))
const SECOND = Buffer.concat(documents(4, 7))
const CODECS: CodecName[] = ['lz4', 'zstd']

const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

/** A store closed, in which 'a' needs dictionary 1, 'b' dictionary 2, and 'raw' none. */
async function closedStore(codec: CodecName): Promise<PermanentMemoryLevel> {
  const backend = new PermanentMemoryLevel()
  for (const [key, dictionary] of [['a', FIRST] as const, ['b', SECOND] as const]) {
    const { store } = await openMode('write-through', backend, { codec, dictionary })
    await store.put(key, DOCUMENTS[20]!)
    await store.put('raw', noise(500))
    await store.close()
  }
  return new PermanentMemoryLevel(backend.disk.clone())
}

async function changed(backend: PermanentMemoryLevel, change: (level: MemoryLevel<Buffer, Buffer>) => Promise<void>) {
  await backend.open()
  await change(backend as unknown as MemoryLevel<Buffer, Buffer>)
  await backend.close()
}

const storedDictionary = async (backend: PermanentMemoryLevel, id: number) => {
  await backend.open()
  const level = backend as unknown as MemoryLevel<Buffer, Buffer>
  return Buffer.from((await level.get(dictionaryKey(id), AS_BYTES))!)
}

const DAMAGES: [string, (level: MemoryLevel<Buffer, Buffer>, other: Buffer) => Promise<void>][] = [
  ['missing', level => level.del(dictionaryKey(1), AS_BYTES)],
  ['empty', level => level.put(dictionaryKey(1), Buffer.alloc(0), AS_BYTES)],
  ['zeros', level => level.put(dictionaryKey(1), Buffer.alloc(5000), AS_BYTES)],
  [
    'cut short',
    async level => {
      const stored = await level.get(dictionaryKey(1), AS_BYTES)
      await level.put(dictionaryKey(1), Buffer.from(stored!).subarray(0, -1), AS_BYTES)
    }
  ],
  [
    "replaced by another of the store's",
    async level => {
      const other = await level.get(dictionaryKey(2), AS_BYTES)
      await level.put(dictionaryKey(1), Buffer.from(other!), AS_BYTES)
    }
  ],
  ["replaced by another store's with the same id", (level, other) => level.put(dictionaryKey(1), other, AS_BYTES)]
]

describe.each(CODECS)('%s: a dictionary that is', codec => {
  it.each(DAMAGES)('%s gives LEVEL_CORRUPTION for what needs it, and nothing else', async (_, damage) => {
    const other = await storedDictionary(await closedStore(codec), 1)
    const backend = await closedStore(codec)
    await changed(backend, level => damage(level, other))
    const { store } = await openMode('write-through', backend, { codec, dictionary: SECOND })
    expect(await rejectedCode(store.get('a'))).toBe('LEVEL_CORRUPTION')
    expect(thrownCode(() => store.getSync('a'))).toBe('LEVEL_CORRUPTION')
    expect(await rejectedCode(store.values().all())).toBe('LEVEL_CORRUPTION')
    expect(await store.getMany(['b', 'raw'])).toEqual([DOCUMENTS[20], noise(500)])
    expect(await store.keys().all()).toEqual(['a', 'b', 'raw'])
    await store.put('c', DOCUMENTS[21]!)
    expect(await store.get('c')).toEqual(DOCUMENTS[21])
    const report = await store.gc.run()
    expect(report).toMatchObject({ complete: true })
    expect(await rejectedCode(store.get('a'))).toBe('LEVEL_CORRUPTION')
    await store.put('a', DOCUMENTS[22]!)
    expect(await store.get('a')).toEqual(DOCUMENTS[22])
    await store.close()
  })

  it('damaged is not taken for the next free id', async () => {
    const backend = await closedStore(codec)
    await changed(backend, level => level.put(dictionaryKey(2), Buffer.from('?'), AS_BYTES))
    const { store } = await openMode('write-through', backend, { codec, dictionary: DOCUMENTS[0]! })
    await store.put('c', DOCUMENTS[21]!)
    expect(store.stats().dictionary.id).toBe(3)
    expect(await rejectedCode(store.get('b'))).toBe('LEVEL_CORRUPTION')
    await store.close()
  })

  it('damaged keeps its id in a backup, which has all that can be read', async () => {
    const backend = await closedStore(codec)
    await changed(backend, level => level.put(dictionaryKey(1), Buffer.from('?'), AS_BYTES))
    const { store } = await openMode('write-through', backend, { codec, dictionary: false })
    const target = new PermanentMemoryLevel()
    await store.backup(target)
    await store.close()
    expect(await storedDictionary(target, 1)).toEqual(Buffer.from('?'))
    const { store: copy } = await openMode('write-through', target, { codec })
    expect(await rejectedCode(copy.get('a'))).toBe('LEVEL_CORRUPTION')
    expect(await copy.getMany(['b', 'raw'])).toEqual([DOCUMENTS[20], noise(500)])
    await copy.close()
  })

  it('missing stops unwrap() before anything is changed, and shows in inspect()', async () => {
    const backend = await closedStore(codec)
    await changed(backend, level => level.del(dictionaryKey(1), AS_BYTES))
    const { batches } = backend.disk
    const before = batches.length
    expect(await rejectedCode(unwrap(backend, { wal: false }))).toBe('LEVEL_CORRUPTION')
    expect(backend.disk.batches.length).toBe(before)
    const inspection = await inspect(backend)
    const codes: unknown[] = []
    for await (const entry of inspection.entries()) codes.push(await rejectedCode((async () => entry.value())()))
    expect(codes).toEqual(['LEVEL_CORRUPTION', undefined, undefined])
  })
})

it.each(CODECS)('%s: no flipped bit of a stored dictionary gives other data', async codec => {
  const backend = await closedStore(codec)
  const stored = await storedDictionary(backend, 1)
  const level = backend as unknown as MemoryLevel<Buffer, Buffer>
  let flips = 0
  for (const { bit, flipped } of everyBitFlipped(stored)) {
    if (bit % 7 !== 0 && bit > 8 * 28) continue
    await level.put(dictionaryKey(1), Buffer.from(flipped), AS_BYTES)
    const store = new CompressedKvStore<string, Buffer>(new PermanentMemoryLevel(backend.disk.clone()), { wal: false })
    expect(await rejectedCode(store.get('a')), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
    await store.close()
    if (++flips > 400) break
  }
  expect(flips).toBeGreaterThan(300)
})

it.each(MODES)(
  '%s: where a dictionary cannot be stored, values are stored without, and it is tried again',
  async mode => {
    const backend = new PermanentMemoryLevel()
    const { store } = await openMode(mode, backend, { dictionary: FIRST })
    await store.put('before', Buffer.from('x'))
    await store.flush()
    const failure = new Error('disk full')
    const level = backend as unknown as { _put: (key: Buffer, ...rest: unknown[]) => Promise<void> }
    const put = level._put
    level._put = function (key, ...rest) {
      return key.equals(dictionaryKey(1)) ? Promise.reject(failure) : put.call(this, key, ...rest)
    }
    await store.put('a', DOCUMENTS[20]!)
    await store.flush()
    expect(store.stats().dictionary).toMatchObject({ id: undefined, values: 0, lastError: failure })
    expect(await store.get('a')).toEqual(DOCUMENTS[20])
    level._put = put
    await store.put('b', DOCUMENTS[21]!)
    await store.flush()
    expect(store.stats().dictionary).toMatchObject({ id: 1, values: 1 })
    expect(await store.getMany(['a', 'b'])).toEqual([DOCUMENTS[20], DOCUMENTS[21]])
    await store.close()
  }
)
