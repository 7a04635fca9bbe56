import type { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { trainDictionary } from '../../../src/codec/dictionary/dictionary-training.js'
import { type CodecName, CompressedKvStore, inspect } from '../../../src/index.js'
import { Dictionaries, Dictionary } from '../../../src/store/dictionaries/dictionaries.js'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { GivenDictionary } from '../../../src/store/dictionaries/given-dictionary.js'
import { SmallValues } from '../../../src/store/dictionaries/small-values.js'
import { envelopeOf, MODES, openAfterKill, openMode } from '../../support/gc-store.js'
import { failing } from '../../support/intercept.js'
import { memoryLevel } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'
import { documents, keyOf } from '../../support/small-documents.js'

const DOCUMENTS = documents(50)
const DICTIONARY = Buffer.concat(DOCUMENTS.slice(0, 30))
const OTHER = Buffer.concat(documents(40, 7))

const CODECS: CodecName[] = ['lz4', 'zstd']
const EVERYWHERE = MODES.flatMap(mode => CODECS.map(codec => ({ mode, codec })))

describe.each(EVERYWHERE)('$mode, $codec: a dictionary given in the options', ({ mode, codec }) => {
  const options = { codec, dictionary: DICTIONARY }

  it('is used for small values, and they come back', async () => {
    const { store, backend } = await openMode(mode, undefined, options)
    await Promise.all(DOCUMENTS.map((value, i) => store.put(keyOf(i), value)))
    await store.flush()
    for (const [i, value] of DOCUMENTS.entries()) {
      expect(await envelopeOf(backend, keyOf(i))).toMatchObject({ dictionary: 1 })
      expect(await store.get(keyOf(i))).toEqual(value)
      expect(store.getSync(keyOf(i))).toEqual(value)
    }
    const { bytesIn, bytesStored, ...stats } = store.stats().dictionary
    expect(stats).toMatchObject({ id: 1, bytes: DICTIONARY.length, values: 50, unused: undefined })
    expect(bytesStored).toBeLessThan(bytesIn / 2)
    expect(store.stats().written.byCodec).toEqual({
      [codec]: { values: 50, bytesIn, bytesStored, ratio: bytesStored / bytesIn }
    })
    expect(await store.values().all()).toEqual(DOCUMENTS)
    await store.close()
  })

  it('is not used where it does not pay, which is no failure of the codec', async () => {
    const { store, backend } = await openMode(mode, undefined, options)
    await store.put('noise', noise(200))
    await store.flush()
    expect((await envelopeOf(backend, 'noise')).dictionary).toBeUndefined()
    const { raw, lastCodecError } = store.stats()
    expect([raw.belowMinSize, raw.codecFailed, lastCodecError]).toEqual([1, 0, undefined])
    await store.close()
  })

  it('is used where `offThreadSize` is smaller than the values', async () => {
    const { store } = await openMode(mode, undefined, { ...options, offThreadSize: 1 })
    await Promise.all(DOCUMENTS.map((value, i) => store.put(keyOf(i), value)))
    await store.flush()
    expect(store.stats().dictionary.values).toBe(50)
    expect(await store.getMany(DOCUMENTS.map((_, i) => keyOf(i)))).toEqual(DOCUMENTS)
    await store.close()
  })

  it('is stored while the caller may change what it has put', async () => {
    const { store } = await openMode(mode, undefined, options)
    const binary = { keyEncoding: 'buffer' } as object
    const writes = [0, 1, 2].map(i => {
      const [key, value] = [Buffer.from(keyOf(i)), Buffer.from(DOCUMENTS[i]!)]
      const put =
        i < 2
          ? store.put(key as never, value, binary)
          : store.batch([{ type: 'put', key: key as never, value, ...binary }])
      key.fill(0)
      value.fill(0)
      return put
    })
    await Promise.all(writes)
    await store.flush()
    expect(await store.iterator().all()).toEqual([0, 1, 2].map(i => [keyOf(i), DOCUMENTS[i]]))
    await store.close()
  })

  it('is kept with the data: another store reads it without being given it', async () => {
    const opened = await openMode(mode, undefined, options)
    await opened.store.put('a', DOCUMENTS[1]!, { sync: true })
    await opened.store.flush()
    const { store } = await openAfterKill(opened, { codec, dictionary: false })
    expect(await store.get('a')).toEqual(DOCUMENTS[1])
    await store.put('b', DOCUMENTS[2]!)
    await store.flush()
    expect(store.stats().dictionary).toMatchObject({ id: undefined, unused: 'off', count: 1, values: 0 })
    await store.close()
  })

  it('has its id again when it is given again, and another gets another', async () => {
    const backend = new PermanentMemoryLevel()
    const ids = []
    for (const [i, dictionary] of [DICTIONARY, OTHER, DICTIONARY].entries()) {
      const { store } = await openMode(mode, backend, { codec, dictionary })
      await store.put(keyOf(i), DOCUMENTS[40 + i]!)
      await store.flush()
      ids.push((await envelopeOf(backend, keyOf(i))).dictionary)
      for (let n = 0; n <= i; n++) expect(await store.get(keyOf(n))).toEqual(DOCUMENTS[40 + n])
      await store.close()
    }
    expect(ids).toEqual([1, 2, 1])
  })

  it('is not stored before a small value comes', async () => {
    const { store, backend } = await openMode(mode, undefined, options)
    await store.put('large', noise(6000))
    await store.put('tiny', Buffer.from('x'))
    await store.flush()
    const level = backend as MemoryLevel<string, Buffer>
    expect(await level.get(dictionaryKey(1) as unknown as string, { keyEncoding: 'buffer' })).toBe(undefined)
    await store.close()
  })

  it('is used by unawaited writes, batches and writes with a codec of their own, in their order', async () => {
    const { store } = await openMode(mode, undefined, options)
    const writes = [
      store.put('k', DOCUMENTS[0]!),
      store.batch([
        { type: 'put', key: 'k', value: DOCUMENTS[1]! },
        { type: 'put', key: 'l', value: DOCUMENTS[2]! }
      ]),
      store.put('l', DOCUMENTS[3]!, { codec }),
      store.del('k'),
      store.put('k', DOCUMENTS[4]!)
    ]
    await Promise.all(writes)
    await store.flush()
    expect(await store.getMany(['k', 'l'])).toEqual([DOCUMENTS[4], DOCUMENTS[3]])
    await store.close()
  })

  it('is not used for values that it does not make smaller', async () => {
    const { store, backend } = await openMode(mode, undefined, options)
    await store.put('a', noise(300))
    await store.flush()
    expect(await envelopeOf(backend, 'a')).toMatchObject({ codecId: 0, dictionary: undefined })
    await store.close()
  })
})

it.each(['write-back', 'logged'] as const)('%s over memory-level: the log keeps it', async mode => {
  const options = { codec: 'zstd', dictionary: DICTIONARY } as const
  const opened = await openMode(mode, memoryLevel(), options)
  await Promise.all(DOCUMENTS.map((value, i) => opened.store.put(keyOf(i), value)))
  await opened.store.flush()
  const second = await openAfterKill(opened, options)
  expect(await second.store.values().all()).toEqual(DOCUMENTS)
  await second.store.put('x', DOCUMENTS[7]!)
  await second.store.flush()
  expect(await envelopeOf(second.backend, 'x')).toMatchObject({ dictionary: 1 })
  const third = await openAfterKill(second)
  expect(await third.store.get('x')).toEqual(DOCUMENTS[7])
})

it.each(CODECS)(
  '%s: one in the format of Zstandard has its id again when the same store is opened again',
  async codec => {
    const dictionary = (await trainDictionary(documents(300, 3), 2048))!
    const backend = new PermanentMemoryLevel()
    const { store } = await openMode('write-through', backend, { codec, dictionary: Buffer.from(dictionary) })
    for (const i of [1, 2]) {
      await store.open()
      await store.put(keyOf(i), DOCUMENTS[i]!)
      expect((await envelopeOf(backend, keyOf(i))).dictionary).toBe(1)
      await store.close()
    }
    const again = await openMode('write-through', backend, { codec, dictionary: Buffer.from(dictionary) })
    expect(again.store.stats().dictionary).toMatchObject({ id: 1, count: 1 })
    expect(await again.store.values().all()).toEqual(DOCUMENTS.slice(1, 3))
    await again.store.close()
  }
)

it('is understood by a store that only reads, and by inspect()', async () => {
  const backend = new PermanentMemoryLevel()
  const { store } = await openMode('write-through', backend, { dictionary: DICTIONARY })
  await store.put('a', DOCUMENTS[1]!)
  await store.close()
  const reading = new CompressedKvStore<string, Buffer>(backend, { wal: false, readOnly: true, dictionary: OTHER })
  expect(await reading.get('a')).toEqual(DOCUMENTS[1])
  await reading.close()
  const inspection = await inspect(backend)
  for await (const entry of inspection.entries()) {
    expect(entry.opened).toMatchObject({ dictionary: 1 })
    expect(await entry.value()).toEqual(DOCUMENTS[1])
  }
})

it.each([
  ['yes'],
  [true],
  [1],
  [Buffer.alloc(0)],
  [Buffer.alloc(1024 * 1024 + 1)],
  [['a']],
  [Buffer.from('37a430ec01000000ff00', 'hex')]
])('is refused if it is no dictionary (%#)', dictionary => {
  const options = { wal: false, dictionary: dictionary as unknown as Buffer }
  const make = () => new CompressedKvStore<string, Buffer>(memoryLevel(), options)
  expect(make).toThrow(expect.objectContaining({ code: 'CKV_INVALID_OPTION' }) as Error)
})

const refused = () => Promise.reject(new Error('refused'))

/** Of a store that has as many dictionaries as it may: 1 to 32. */
function full(): SmallValues {
  const dictionaries = new Dictionaries()
  for (let id = 1; id <= 32; id++) {
    dictionaries.add(new Dictionary({ id, given: true, rawShare: 1, bytes: OTHER.subarray(id) }))
  }
  return new SmallValues(dictionaries, undefined, 0.1)
}

describe('a dictionary that cannot be stored', () => {
  it('is tried again with the next small value', async () => {
    const small = new SmallValues(new Dictionaries(), undefined, 0.1)
    const failures: unknown[] = []
    let tries = 0
    const save = () => {
      tries++
      throw new Error('refused')
    }
    const source = new GivenDictionary(DICTIONARY, small, save, error => failures.push(error))
    await source.begin()
    await source.begin()
    expect([tries, failures.length, small.current]).toEqual([2, 2, undefined])
  })

  it('is what stats() say, until it is stored', async () => {
    const { store, backend } = await openMode('write-through', undefined, { dictionary: DICTIONARY })
    await store.put('long', Buffer.alloc(8192)) // With the marker, which has to be there first.
    expect(store.stats().dictionary).toMatchObject({ unused: 'tooFewValues', lastError: undefined })
    const repair = failing(backend, ['_put'], new Error('refused'))
    await store.put('a', DOCUMENTS[1]!).catch(() => {})
    repair()
    expect(store.stats().dictionary).toMatchObject({ unused: 'failed', lastError: new Error('refused') })
    await store.put('b', DOCUMENTS[2]!)
    expect(store.stats().dictionary).toMatchObject({ id: 1, unused: undefined })
  })

  it('lets values go on at once where there are as many as may be, and says so', () => {
    const failures: unknown[] = []
    const source = new GivenDictionary(DICTIONARY, full(), refused, error => failures.push(error))
    expect(source.begin()).toBe(undefined)
    expect(failures).toMatchObject([{ code: 'LEVEL_NOT_SUPPORTED' }])
  })

  it('does not have to be where the store has it already, however many others', () => {
    const small = full()
    const failures: unknown[] = []
    const source = new GivenDictionary(OTHER.subarray(7), small, refused, error => failures.push(error))
    expect([source.begin(), small.current?.id, failures]).toEqual([undefined, 7, []])
  })
})
