import type { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import type { CodecName } from '../../../src/index.js'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { envelopeOf, MODES, openMode } from '../../support/gc-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
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
