import type { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import type { CodecName } from '../../../src/index.js'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { decodeMarker } from '../../../src/store/marker.js'
import { envelopeOf, MODES, openAfterKill, openMode } from '../../support/gc-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { MARKER_KEY } from '../../support/reserved.js'
import { documents, keyOf } from '../../support/small-documents.js'

const DOCUMENTS = documents(50)
const DICTIONARY = Buffer.concat(DOCUMENTS.slice(0, 30))
const OTHER = Buffer.concat(documents(40, 7))

const CODECS: CodecName[] = ['lz4', 'zstd']
const EVERYWHERE = MODES.flatMap(mode => CODECS.map(codec => ({ mode, codec })))

/** As the repair of a damaged LevelDB may leave it. */
async function withoutDictionary(backend: MemoryLevel<string, Buffer>, id: number): Promise<void> {
  await backend.open()
  await backend.del(dictionaryKey(id) as unknown as string, { keyEncoding: 'buffer' })
  await backend.close()
}

describe.each(EVERYWHERE)('$mode, $codec: when the newest dictionary is lost', ({ mode, codec }) => {
  async function lost() {
    const backend = new PermanentMemoryLevel()
    const { store } = await openMode(mode, backend, { codec, dictionary: DICTIONARY })
    await Promise.all(DOCUMENTS.map((value, i) => store.put(keyOf(i), value)))
    await store.flush()
    expect(await envelopeOf(backend, keyOf(40))).toMatchObject({ dictionary: 1 })
    await store.close()
    await withoutDictionary(backend, 1)
    return backend
  }

  it('no other gets its id: values that need it are corrupt, and never become others', async () => {
    const backend = await lost()
    const { store } = await openMode(mode, backend, { codec, dictionary: OTHER })
    await store.put('new', documents(1, 7)[0]!)
    await store.flush()
    expect(await envelopeOf(backend, 'new')).toMatchObject({ dictionary: 2 })
    for (const i of DOCUMENTS.keys())
      await expect(store.get(keyOf(i))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    await store.close()
  })

  it('no other gets its id in a backup either', async () => {
    const { store } = await openMode(mode, await lost(), { codec, dictionary: false })
    const target = new PermanentMemoryLevel()
    await store.backup(target)
    await store.close()
    const copy = await openMode(mode, target, { codec, dictionary: OTHER })
    await copy.store.put('new', documents(1, 7)[0]!)
    await copy.store.flush()
    expect(await envelopeOf(target, 'new')).toMatchObject({ dictionary: 2 })
    await expect(copy.store.get(keyOf(40))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    await copy.store.close()
  })

  it('and it is given again, they can be read again', async () => {
    const { store, backend } = await openMode(mode, await lost(), { codec, dictionary: DICTIONARY })
    await expect(store.get(keyOf(40))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    await store.put('new', DOCUMENTS[1]!)
    await store.flush()
    expect(await envelopeOf(backend, 'new')).toMatchObject({ dictionary: 1 })
    for (const [i, value] of DOCUMENTS.entries()) expect(await store.get(keyOf(i))).toEqual(value)
    await store.close()
  })
})

it.each(MODES)('%s: the marker names a dictionary before it is stored', async mode => {
  const backend = new PermanentMemoryLevel()
  const first = await openMode(mode, backend, { dictionary: DICTIONARY })
  await first.store.put(keyOf(0), DOCUMENTS[0]!)
  await first.store.close()
  const { store } = await openMode(mode, backend, { dictionary: OTHER })
  await store.put(keyOf(1), DOCUMENTS[1]!)
  await store.flush()
  let named = 0
  const stored: number[] = []
  for (const { key, value } of backend.disk.batches.flatMap(({ operations }) => operations)) {
    if (MARKER_KEY.equals(key)) named = decodeMarker(value!).newestDictionary?.id ?? 0
    for (const id of [1, 2]) {
      if (!dictionaryKey(id).equals(key)) continue
      expect(named).toBe(id)
      stored.push(id)
    }
  }
  expect(stored).toEqual([1, 2])
  await store.close()
})

it.each(MODES)('%s: no other gets the id of one that only a sweep has used, and that is lost', async mode => {
  const opened = await openMode(mode, undefined, { dictionary: 'auto' })
  await Promise.all(documents(600).map((value, i) => opened.store.put(keyOf(i), value)))
  await opened.store.gc.run()
  expect(await envelopeOf(opened.backend, keyOf(0))).toMatchObject({ dictionary: 1 })
  const { store, backend } = await openAfterKill(opened, { dictionary: false })
  await store.close()
  await withoutDictionary(backend as PermanentMemoryLevel, 1)
  const again = await openMode(mode, backend, { dictionary: OTHER })
  await again.store.put('new', documents(1, 7)[0]!)
  await again.store.flush()
  expect(await envelopeOf(backend, 'new')).toMatchObject({ dictionary: 2 })
  await expect(again.store.get(keyOf(0))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  await again.store.close()
  await opened.store.close()
})
