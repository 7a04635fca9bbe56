import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { bytesIn, type DocumentSet } from '../../bench/documents/document.js'
import { directorySize } from '../../bench/harness/directory-size.js'
import { inFlight } from '../../bench/harness/in-flight.js'
import { median } from '../../bench/harness/median.js'
import { megabytesPerSecond } from '../../bench/harness/number-text.js'
import { alternate } from '../../bench/harness/rounds.js'
import { type Contender, CONTENDERS, type Database, IN_FLIGHT } from './contenders.js'
import { verifyAll } from './verify.js'

/** How one contender kept one set of documents. */
export interface Trial {
  readonly contender: string
  readonly location: string
  readonly bytesOnDisk: number
  /** Bytes on disk over bytes in. */
  readonly ratio: number
  /** MB/s of document bytes. */
  readonly writeRate: number
  readonly readRate: number
}

/** Contenders take turns, so that a noisy moment of the machine hits all of them; the median round counts. */
export const ROUNDS = 3

/**
 * Lets every contender keep the same documents.
 *
 * @param root the databases are created in it
 * @param say called with the name of the contender that runs now
 * @param advance called with how many document bytes are done: in each round every byte counts twice, once when written and once when read
 * @throws Error if a value comes back different
 */
export async function runTrials(
  set: DocumentSet,
  root: string,
  say: (what: string) => void,
  advance: (bytes: number) => void
): Promise<Trial[]> {
  const trials = await alternate(ROUNDS, CONTENDERS, contender => {
    say(`${set.name}, ${contender.name}`)
    return runTrial(contender, set, root, advance)
  })
  return trials.map(rounds => ({
    ...rounds.at(-1)!,
    writeRate: median(rounds.map(trial => trial.writeRate)),
    readRate: median(rounds.map(trial => trial.readRate))
  }))
}

/** Writes the documents into a fresh database, compacts, closes and measures it; opens it again and checks every value. */
async function runTrial(
  contender: Contender,
  set: DocumentSet,
  root: string,
  advance: (bytes: number) => void
): Promise<Trial> {
  const location = join(root, `${set.name}-${contender.name}`.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-'))
  rmSync(location, { recursive: true, force: true }) // The round before has left it.
  const bytes = bytesIn(set)

  const fresh = await contender.open(location)
  const writeMilliseconds = await milliseconds(() => writeAll(fresh, set, advance))
  await fresh.compactRange('', '\uffff')
  await fresh.close()
  const bytesOnDisk = directorySize(location)

  const reopened = await contender.open(location)
  const where = `${set.name}, ${contender.name}`
  const readMilliseconds = await milliseconds(() => verifyAll(reopened, set.documents, where, advance))
  await reopened.close()

  return {
    contender: contender.name,
    location,
    bytesOnDisk,
    ratio: bytesOnDisk / bytes,
    writeRate: megabytesPerSecond(bytes, writeMilliseconds),
    readRate: megabytesPerSecond(bytes, readMilliseconds)
  }
}

async function writeAll(
  database: Database,
  { documents }: DocumentSet,
  advance: (bytes: number) => void
): Promise<void> {
  await inFlight(documents.length, IN_FLIGHT, async i => {
    const { key, value } = documents[i]!
    await database.put(key, value)
    advance(value.length)
  })
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
