import { corpusSets } from '../documents/corpus.js'
import { bytesIn, type DocumentSet } from '../documents/document.js'
import { jsonRecords } from '../documents/json-records.js'
import { filesBySize, largerTextAndCode } from '../documents/size-classes.js'
import { directorySize } from '../harness/directory-size.js'
import { bitsPerByte } from '../harness/entropy.js'
import { inFlight } from '../harness/in-flight.js'
import { bytesText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { BARE_CLASSIC, compact, type Contender, DEFAULTS_OVER_CLASSIC, ZSTD_OVER_CLASSIC } from './contenders.js'

/** The most bytes of a store with default options over bare, for every file of the corpus: who only wraps must not pay for it in space. */
const DEFAULTS_BAR = 1.05
/** The most bytes of a store with zstd over bare, with documents for which it should pay. */
const ZSTD_BAR = 0.75

const IN_FLIGHT = 256

/** Measures bytes on disk after compaction, beside the bare classic-level with its Snappy. */
export async function benchDisk(report: Report, corpus: string | undefined): Promise<void> {
  report.section(
    'Bytes on disk with default options, beside bare classic-level',
    'Bytes of all files of the database, which is compacted and closed. bare has Snappy on, and so has the backend of the store. store / bare below 1',
    'means that the store is smaller than bare.'
  )
  const ofCorpus = corpus === undefined ? [jsonRecords()] : corpusSets(corpus)
  const quotients: { set: DocumentSet; quotient: number }[] = []
  const rows: string[][] = []
  for (const set of [...ofCorpus, ...filesBySize()]) {
    const { row, quotient } = await compare(report, set, DEFAULTS_OVER_CLASSIC)
    rows.push(row)
    quotients.push({ set, quotient })
  }
  const larger = await compare(report, largerTextAndCode(), ZSTD_OVER_CLASSIC)
  rows.push(larger.row)

  report.line('')
  report.table(['documents', 'bytes in', 'bits/byte', 'bare', 'in', 'store', 'codec', 'in', 'store / bare'], rows)
  report.line("'in': bytes on disk over bytes in. Files are those of node_modules; the bar is for the sets above them.")
  report.line('')
  const worst = quotients.slice(0, ofCorpus.length).reduce((a, b) => (a.quotient >= b.quotient ? a : b))
  report.bar(`default options / bare on disk, the worst: ${worst.set.name}`, worst.quotient, '<=', DEFAULTS_BAR)
  report.bar('zstd / bare on disk, text and code >= 4 KiB of node_modules', larger.quotient, '<=', ZSTD_BAR)
}

async function compare(report: Report, set: DocumentSet, contender: Contender) {
  const bytes = bytesIn(set)
  const bits = bitsPerByte(set.documents.map(({ value }) => value))
  const bare = await bytesOnDisk(BARE_CLASSIC, set)
  const store = await bytesOnDisk(contender, set)
  const quotient = store / bare
  report.record('store disk', {
    set: set.name,
    contender: contender.name,
    bytes,
    bitsPerByte: bits,
    bare,
    store,
    quotient
  })
  const row = [
    set.name,
    bytesText(bytes),
    bits.toFixed(2),
    bytesText(bare),
    ratioText(bare / bytes),
    bytesText(store),
    contender === DEFAULTS_OVER_CLASSIC ? 'default' : 'zstd',
    ratioText(store / bytes),
    ratioText(quotient)
  ]
  return { row, quotient }
}

async function bytesOnDisk(contender: Contender, { documents }: DocumentSet): Promise<number> {
  return inTemporaryDirectory(async directory => {
    const database = contender.create(directory)
    await database.open()
    await inFlight(documents.length, IN_FLIGHT, i => database.put(documents[i]!.key, documents[i]!.value))
    await compact(database)
    await database.close()
    return directorySize(directory)
  })
}
