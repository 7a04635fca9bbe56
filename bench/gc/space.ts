import { type Gc, Lz4Gc, ZstdGc } from 'compressed-kv'
import { bytesIn, type DocumentSet } from '../documents/document.js'
import { directorySize } from '../harness/directory-size.js'
import { bytesText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { KIB } from '../wal/sizes.js'
import { EVERY_VALUE_LZ4, inFilledStore, jsonDocuments, type Store, type StoreOptions } from './stores.js'
import { largerFiles } from './sweep-rate.js'

/** For values written with LZ4 and swept with Zstandard at level 9: the most bytes after the sweep, over the bytes before. */
const BAR = 0.75
const BAR_LEVEL = 9
const RECORDS = 4 * KIB

const WRITTEN: readonly { readonly name: string; readonly options: StoreOptions }[] = [
  { name: 'lz4, from 1 KiB on', options: EVERY_VALUE_LZ4 },
  { name: 'lz4', options: { codec: 'lz4' } }
]

/** Measures the bytes of a database before and after a sweep. */
export async function benchSpace(report: Report, corpus: string | undefined): Promise<void> {
  report.section(
    'Space on disk before and after a sweep, classic-level with Snappy',
    `Bytes of all files of the database, which is compacted before and after. 'lz4' has the default minSize, which leaves values below 4 KiB to Snappy.`
  )
  const files = largerFiles()
  const cases: readonly { readonly set: DocumentSet; readonly policies: readonly Gc[] }[] = [
    { set: files, policies: [new Lz4Gc(), new ZstdGc({ level: 3 }), new ZstdGc({ level: BAR_LEVEL })] },
    { set: jsonDocuments(corpus, RECORDS), policies: [new ZstdGc({ level: BAR_LEVEL })] }
  ]
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const { set, policies } of cases) {
    for (const { name, options } of WRITTEN) {
      for (const policy of policies) {
        const { before, after } = await sweep(options, set, policy)
        const bytes = bytesIn(set)
        const over = after / before
        report.record('gc space', {
          documents: set.name,
          written: name,
          policy: policy.id!,
          bytes,
          before,
          after,
          over
        })
        rows.push([set.name, bytesText(bytes), name, policy.id!, bytesText(before), bytesText(after), ratioText(over)])
        if (set !== files || policy.id !== policies.at(-1)!.id) continue
        bars.push(() => report.bar(`${set.name}, ${name}, swept with ${policy.id}, after / before`, over, '<=', BAR))
      }
    }
  }
  report.line('')
  report.table(['documents', 'bytes in', 'written', 'policy', 'before', 'after', 'after / before'], rows)
  report.line('')
  for (const print of bars) print()
}

async function sweep(options: StoreOptions, set: DocumentSet, policy: Gc): Promise<{ before: number; after: number }> {
  return inFilledStore(options, set, async (store, directory) => {
    const before = await compactedSize(store, directory)
    await store.gc.run({ policy })
    return { before, after: await compactedSize(store, directory) }
  })
}

async function compactedSize(store: Store, directory: string): Promise<number> {
  await store.compactRange('', '\uffff')
  return directorySize(directory)
}
