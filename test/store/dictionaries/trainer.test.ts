import { expect, it } from 'vitest'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { NO_GUARD } from '../../../src/envelope/guard.js'
import { MemTable } from '../../../src/memtable/memtable.js'
import { Overlay } from '../../../src/memtable/overlay.js'
import { Dictionaries } from '../../../src/store/dictionaries/dictionaries.js'
import type { TableEntries } from '../../../src/store/dictionaries/dictionary-source.js'
import { DictionaryTrainer } from '../../../src/store/dictionaries/dictionary-trainer.js'
import { SmallValues } from '../../../src/store/dictionaries/small-values.js'
import { rawTableValue, type TableValue } from '../../../src/store/table-value.js'
import { documents, keyOf } from '../../support/small-documents.js'

const CODEC = zstd()
/** A little more than the first dictionary waits for, and more than the next one waits for then. */
const FEW = documents(300)
const MANY = documents(1500, 2)
const bytesOf = (values: readonly Buffer[]) => values.reduce((sum, { length }) => sum + length, 0)

function trainer() {
  const small = new SmallValues(new Dictionaries(), undefined, 0.1)
  const saved: { id: number; bytes: Buffer }[] = []
  let judged = 0
  const failures: unknown[] = []
  const source = new DictionaryTrainer({
    small,
    sealing: { guard: NO_GUARD, mayOmitChecksum: false },
    overLevelDb: false,
    save: async ({ id, bytes }) => void saved.push({ id, bytes }),
    onJudged: () => judged++,
    onFailed: error => failures.push(error)
  })
  const note = () => FEW.forEach((value, i) => source.note(Buffer.from(keyOf(i)), value, CODEC))
  return { small, source, saved, failures, note, judged: () => judged }
}

/** The values in a table, in order. */
async function tableOf(values: readonly Buffer[]): ReturnType<TableEntries> {
  const table = new MemTable<TableValue>()
  for (const [i, value] of values.entries()) {
    table.put(keyOf(i), rawTableValue(value, 0, value.length, undefined, CODEC))
  }
  const overlay = new Overlay([{ table, firstSequence: 1, sequence: 1, weight: bytesOf(values) }], {}, false)
  await overlay.prepare(() => undefined)
  return overlay
}

it('does not train one on a table while one is trained on writes that came when the table was looked at', async () => {
  const { small, source, saved, failures, note, judged } = trainer()
  await source.prepare(bytesOf(MANY), () => {
    note()
    return tableOf(MANY)
  })
  await source.idle()
  expect(saved.map(({ id }) => id)).toEqual([1])
  expect([judged(), failures]).toEqual([1, []])
  expect(small.current?.bytes).toEqual(saved[0]!.bytes)
})

it('trains one where two tables are looked at at once, as when a flush that failed is tried again', async () => {
  const { source, saved, failures } = trainer()
  await Promise.all([FEW, MANY].map(values => source.prepare(bytesOf(values), () => tableOf(values))))
  await source.idle()
  expect(saved.map(({ id }) => id)).toEqual([1])
  expect(failures).toEqual([])
})

it('trains one soon on the values of many keys, however often a few were written before', async () => {
  const { source, saved, judged } = trainer()
  for (let written = 0; written < 8 * bytesOf(MANY); written += bytesOf(MANY)) {
    for (const [i, value] of MANY.entries()) source.note(Buffer.from(keyOf(i % 10)), value, CODEC)
    await source.idle()
  }
  expect(judged()).toBe(0)
  for (const [i, value] of MANY.entries()) source.note(Buffer.from(keyOf(i)), value, CODEC)
  await source.idle()
  expect([judged(), saved.length]).toEqual([1, 1])
})
