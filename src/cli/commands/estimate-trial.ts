import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { CompressedKvStore } from '../../index.js'
import { type Database, databaseAt, endKeys } from '../database/classic-level.js'
import { sizesOf } from '../database/database-files.js'
import { BARE, type Candidate, candidatesFor } from './estimate-candidates.js'
import type { SampledEntry } from './estimate-sample.js'

/** What was measured of a candidate with the sample. */
export interface Trial {
  readonly candidate: Candidate
  /** Bytes of LevelDB's tables after compaction. */
  readonly tables: number
  /** Bytes of LevelDB's other files. */
  readonly others: number
  /** The mean time of one put, measured until the backend has all of them, and of one get. */
  readonly microsecondsPerPut: number
  readonly microsecondsPerGet: number
}

/** How many calls are under way at a time, as in a busy program. */
const IN_FLIGHT = 64
const MAX_GETS = 2000

/** How often puts are timed. The best time counts: the others were disturbed by something. */
const PUT_ROUNDS = 2

const WARM_UP_VALUES = 500
const WARM_UP = candidatesFor(['zstd:3@256'], [])[0]!

type Calls = Pick<Database, 'put' | 'get'>

/** Writes the sample in a database of its own for every candidate. */
export class Trials {
  readonly #directory: string
  readonly #entries: readonly SampledEntry[]
  readonly #guarded: boolean
  readonly #signal: AbortSignal

  /**
   * @param directory empty
   * @param guarded whether the database holds plain values, so that envelopes in it are longer
   */
  constructor(directory: string, entries: readonly SampledEntry[], guarded: boolean, signal: AbortSignal) {
    this.#directory = directory
    this.#entries = entries
    this.#guarded = guarded
    this.#signal = signal
  }

  /** Runs two small trials that are not measured: all code runs slowly the first time. */
  async warmUp(): Promise<void> {
    const some = new Trials(
      join(this.#directory, 'warm-up'),
      this.#entries.slice(0, WARM_UP_VALUES),
      true,
      this.#signal
    )
    await some.bare()
    await some.of(WARM_UP, 0)
  }

  async bare(): Promise<Trial> {
    const directory = join(this.#directory, 'bare')
    const database = await databaseAt(directory, true)
    await database.open()
    const microsecondsPerPut = await this.#timedPuts(database, async () => {})
    await database.close()
    await compact(await databaseAt(directory, false))
    return this.#measured(BARE, directory, microsecondsPerPut, at => at)
  }

  /** @param number names its directory */
  async of(candidate: Candidate, number: number): Promise<Trial> {
    const { codec, minSize } = candidate
    const directory = join(this.#directory, String(number))
    if (this.#guarded) await cp(join(this.#directory, 'bare'), directory, { recursive: true })
    const wrapped = (database: Database) =>
      new CompressedKvStore<Buffer, Buffer>(database, { meter: false, minSize, ...(codec && { codec }) })
    const store = wrapped(await databaseAt(directory, true))
    await store.open()
    const microsecondsPerPut = await this.#timedPuts(store, () => store.flush())
    await store.close()
    await compact(await databaseAt(directory, false))
    return this.#measured(candidate, directory, microsecondsPerPut, wrapped)
  }

  async #timedPuts(database: Calls, settle: () => Promise<void>): Promise<number> {
    let best = Infinity
    for (let round = 0; round < PUT_ROUNDS; round++) {
      const start = performance.now()
      await this.#timed(database, async (calls, { key, value }) => calls.put(key, value))
      await settle()
      best = Math.min(best, ((performance.now() - start) * 1000) / this.#entries.length)
    }
    return best
  }

  async #measured(
    candidate: Candidate,
    directory: string,
    microsecondsPerPut: number,
    wrap: (database: Database) => Database | CompressedKvStore<Buffer, Buffer>
  ): Promise<Trial> {
    // At the latest when it is opened, LevelDB deletes the files that a compaction has made superfluous.
    const opened = wrap(await databaseAt(directory, false))
    await opened.open()
    const step = Math.max(1, Math.floor(this.#entries.length / MAX_GETS))
    const some = this.#entries.filter((_, i) => i % step === 0)
    const microsecondsPerGet = await this.#timed(opened as Calls, async (calls, { key }) => calls.get(key), some)
    await opened.close()
    const { tables, others } = await sizesOf(directory, undefined)
    return { candidate, tables, others, microsecondsPerPut, microsecondsPerGet }
  }

  async #timed(
    database: Calls,
    call: (database: Calls, entry: SampledEntry) => Promise<unknown>,
    entries: readonly SampledEntry[] = this.#entries
  ): Promise<number> {
    const start = performance.now()
    for (let i = 0; i < entries.length; i += IN_FLIGHT) {
      this.#signal.throwIfAborted()
      await Promise.all(entries.slice(i, i + IN_FLIGHT).map(entry => call(database, entry)))
    }
    return ((performance.now() - start) * 1000) / entries.length
  }
}

/**
 * Compacts a database and closes it.
 *
 * @param database not open yet: of an open one, LevelDB would write what it has in memory as it is, overwritten values included
 */
async function compact(database: Database): Promise<void> {
  await database.open()
  const ends = await endKeys(database)
  if (ends !== undefined) await database.compactRange(...ends)
  await database.close()
}
