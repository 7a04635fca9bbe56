import { loadDocuments } from '../../bench/documents.js'
import { bytesIn, type DocumentSet } from '../../bench/documents/document.js'
import { bytesText, countText } from '../../bench/harness/number-text.js'
import { HELP, readArguments } from './arguments.js'
import { swapCodec } from './codec-swap.js'
import { CONTENDERS } from './contenders.js'
import { prepareLocation } from './location.js'
import { startProgress } from './progress.js'
import { LEGEND, type Row, tableOf } from './table.js'
import { ROUNDS, runTrials } from './trial.js'
import { verdictOf } from './verdict.js'

/** How many documents of each set go through every contender before anything is measured: code is slow when it runs for the first time. */
const WARM_UP_DOCUMENTS = 200

/** The set whose LZ4 database is opened with zstd: its values are large enough to be compressed. */
const SWAPPED_SET = 'files 4-16 KiB'

async function demo(): Promise<void> {
  const { corpus, location: given, help } = readArguments(process.argv.slice(2))
  if (help) return console.log(HELP)
  const sets = loadDocuments(corpus)
  const location = prepareLocation(given)
  try {
    const values = sets.reduce((sum, { documents }) => sum + documents.length, 0)
    const bytes = sets.reduce((sum, set) => sum + bytesIn(set), 0)
    console.log(`${countText(values)} real documents, ${bytesText(bytes)}, go into LevelDB and back in four ways.`)
    console.log("'files' are the text, code and JSON files of node_modules.\n")

    const rows = await runAll(sets, location.directory, bytes)
    console.log(tableOf(rows))
    console.log(`${LEGEND}\n`)
    console.log(`Verified: all ${countText(values * CONTENDERS.length)} values read back as they were written.`)
    console.log(`${await swapIn(rows)}\n`)
    console.log(verdictOf(rows))
    if (location.kept) console.log(`\nThe databases are in ${location.directory}`)
  } finally {
    location.remove()
  }
}

async function runAll(sets: readonly DocumentSet[], root: string, bytes: number): Promise<Row[]> {
  const progress = startProgress(2 * bytes * CONTENDERS.length * ROUNDS)
  try {
    await runTrials(warmUpSet(sets), root, progress.say, () => {})
    const rows: Row[] = []
    for (const set of sets) rows.push({ set, trials: await runTrials(set, root, progress.say, progress.advance) })
    return rows
  } finally {
    progress.stop()
  }
}

function warmUpSet(sets: readonly DocumentSet[]): DocumentSet {
  const documents = sets.flatMap(set => set.documents.slice(0, WARM_UP_DOCUMENTS))
  return { name: 'warm-up', kind: 'text', documents }
}

async function swapIn(rows: readonly Row[]): Promise<string> {
  const { set, trials } = rows.find(row => row.set.name === SWAPPED_SET) ?? rows.at(-1)!
  return swapCodec(trials.find(({ contender }) => contender === 'LZ4')!.location, set)
}

try {
  await demo()
} catch (error) {
  console.error(`demo: ${(error as Error).message}`)
  process.exitCode = 1
}
