import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import { type CodecName, CompressedKvStore } from '../../../src/index.js'
import { envelopeOf, type Mode, MODES, openAfterKill, openMode } from '../../support/gc-store.js'
import { memoryLevel, type Store } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { documents, keyOf } from '../../support/small-documents.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const CODECS: CodecName[] = ['lz4', 'zstd']
const EVERYWHERE = MODES.flatMap(mode => CODECS.map(codec => ({ mode, codec })))
/** More than the first dictionary waits for. */
const DOCUMENTS = documents(600)

async function write(store: Store, values: readonly Buffer[], from = 0) {
  await Promise.all(values.map((value, i) => store.put(keyOf(from + i), value)))
}

/** Without a table it is trained beside the writes. */
async function judgedOnce(store: Store): Promise<void> {
  while (store.stats().dictionary.judged === 0) await new Promise(resolve => setImmediate(resolve))
  await store.flush()
}

function overLevelDb(directory: string, mode: Mode) {
  const modes = { 'write-back': {}, logged: { memtable: false }, 'write-through': { wal: false } }
  const level = new ClassicLevel<string, Buffer>(directory, { valueEncoding: 'buffer' })
  return new CompressedKvStore<string, Buffer>(level, { codec: 'zstd', dictionary: 'auto', ...modes[mode] })
}

describe.each(EVERYWHERE)("$mode, $codec: dictionary: 'auto'", ({ mode, codec }) => {
  const options = { codec, dictionary: 'auto' } as const

  it('trains one on what is written, uses it, and keeps it', async () => {
    const opened = await openMode(mode, undefined, options)
    const { store } = opened
    await write(store, DOCUMENTS)
    await store.flush()
    await judgedOnce(store)
    await write(store, DOCUMENTS.slice(0, 100), 1000)
    await store.flush()
    const { dictionary } = store.stats()
    expect(dictionary).toMatchObject({ id: 1, unused: undefined, count: 1, judged: 1, lastError: undefined })
    expect(dictionary.values).toBeGreaterThanOrEqual(mode === 'write-back' ? 690 : 95)
    expect(dictionary.bytesStored).toBeLessThan(dictionary.bytesIn * 0.7)
    expect(await store.values({ limit: 600 }).all()).toEqual(DOCUMENTS)
    const again = (await openAfterKill(opened, options)).store
    expect(again.stats().dictionary.id).toBe(1)
    expect(await again.values({ limit: 600 }).all()).toEqual(DOCUMENTS)
    await again.put('x', DOCUMENTS[5]!)
    await again.flush()
    expect(again.stats().dictionary.values).toBe(1)
    expect(again.getSync('x')).toEqual(DOCUMENTS[5])
  })

  it('is waited for by a sweep, which moves what was written before to it', async () => {
    const { store, backend } = await openMode(mode, undefined, options)
    await write(store, DOCUMENTS)
    await store.gc.run()
    expect(store.stats().dictionary.id).toBe(1)
    expect((await envelopeOf(backend, keyOf(3))).dictionary).toBe(1)
    expect(await store.values().all()).toEqual(DOCUMENTS)
    await store.close()
  })

  it('uses none where it does not pay', async () => {
    const { store } = await openMode(mode, undefined, options)
    const values = Array.from({ length: 600 }, (_, i) => noise(200, i + 1))
    await write(store, values)
    await store.flush()
    await judgedOnce(store)
    expect(store.stats().dictionary).toMatchObject({ id: undefined, unused: 'doesNotPay', count: 0, judged: 1 })
    expect(await store.values().all()).toEqual(values)
    await store.close()
  })

  it('uses none for few values', async () => {
    const { store } = await openMode(mode, undefined, options)
    await write(store, DOCUMENTS.slice(0, 50))
    await store.flush()
    expect(store.stats().dictionary).toMatchObject({ id: undefined, unused: 'tooFewValues', judged: 0 })
    await store.close()
  })

  it('replaces it when the values have become others, and reads both kinds', async () => {
    const { store } = await openMode(mode, undefined, options)
    await write(store, DOCUMENTS)
    await store.flush()
    await judgedOnce(store)
    const others = Array.from({ length: 5000 }, (_, i) => {
      const fields = noise(32, i + 1)
        .toString('hex')
        .replaceAll('a', ' measured at the harbour: ')
      return Buffer.from(`<reading sensor="thermometer-${i % 7}" unit="kelvin">${fields}</reading>`)
    })
    for (let at = 0; at < others.length; at += 500) {
      await write(store, others.slice(at, at + 500), 1000 + at)
      await store.flush()
    }
    while (store.stats().dictionary.id === 1) {
      await write(store, others.slice(0, 500), 1000)
      await store.flush()
    }
    expect(store.stats().dictionary).toMatchObject({ id: 2, count: 2 })
    expect(await store.values().all()).toEqual([...DOCUMENTS, ...others])
    await store.close()
  })
})

it.each(['write-back', 'logged'] as const)('%s over memory-level: the log keeps a trained one', async mode => {
  const opened = await openMode(mode, memoryLevel(), { codec: 'zstd', dictionary: 'auto' })
  await write(opened.store, DOCUMENTS)
  await opened.store.flush()
  await judgedOnce(opened.store)
  await write(opened.store, DOCUMENTS)
  await opened.store.flush()
  const { store } = await openAfterKill(opened, { codec: 'zstd', dictionary: 'auto' })
  expect(store.stats().dictionary.id).toBe(1)
  expect(await store.values().all()).toEqual(DOCUMENTS)
})

describe('over LevelDB', () => {
  it.each(MODES)('%s: documents are compressed with one, and read after a reopen', async mode => {
    const directory = temporaryDirectory()
    const store = overLevelDb(directory, mode)
    await write(store, DOCUMENTS)
    await store.flush()
    await judgedOnce(store)
    await write(store, DOCUMENTS, 1000)
    await store.flush()
    expect(store.stats().dictionary.values).toBeGreaterThan(500)
    await store.close()
    const again = overLevelDb(directory, mode)
    expect(await again.values().all()).toEqual([...DOCUMENTS, ...DOCUMENTS])
    await again.close()
  })

  it('short values that LevelDB makes as small among their neighbours stay raw', async () => {
    const store = overLevelDb(temporaryDirectory(), 'write-back')
    // Neighbours have all but a digit in common, and only neighbours.
    const values = Array.from({ length: 4000 }, (_, i) =>
      Buffer.from(`${noise(24, (i >> 5) + 1).toString('hex')} ${i & 31}`)
    )
    await write(store, values)
    await store.flush()
    expect(store.stats().dictionary).toMatchObject({ id: undefined, unused: 'doesNotPay', judged: 1 })
    await store.close()
  })
})
