import type { Readable } from 'node:stream'
import type { CodecName } from '../../index.js'
import type { CommonOptions, Context } from '../context.js'
import { assertDatabaseOrNew } from '../database/location.js'
import { type Store, writeTo } from '../database/writing.js'
import { type Entry, parseEntry } from '../entry-lines.js'
import { describe, EXIT, Failure, Interruption, isInterruption } from '../failure.js'
import { inputLines } from '../input-lines.js'
import { counted } from '../table.js'

interface ImportOptions extends CommonOptions {
  readonly codec: CodecName
  readonly minSize?: number
  readonly wrap?: boolean
}

/** The most entries that one batch writes, and about how many bytes. No more is read ahead. */
const MAX_BATCH_ENTRIES = 1000
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** Stores the entries on stdin, one a line, as `ckv export` prints them. */
export async function importEntries(
  { streams, output, signal }: Context,
  location: string,
  { codec, minSize, wrap, wal, json }: ImportOptions
): Promise<number> {
  await assertDatabaseOrNew(location)
  const entries = entriesIn(streams.stdin)
  // The first line is read before the database is made: a file of another kind would leave an empty one.
  const first = await entries.next()
  const counts = await writeTo(location, { wal, create: true, wrap, store: { codec, minSize } }, async store => {
    const batches = new Batches(store)
    await addAll(batches, first, entries, signal)
    await store.sync()
    return batches.counts
  })
  if (json) output.json(counts)
  else
    await output.line(
      `${counted(counts.put, 'value')} imported${counts.expired > 0 ? `, ${counts.expired} had expired` : ''}`
    )
  return EXIT.ok
}

/** Undefined for an empty line, which is no entry. */
type Line = Entry | undefined

/** @throws Failure with the number of the line that cannot be read: it comes after those that were taken */
async function* entriesIn(input: Readable): AsyncGenerator<Line, void> {
  let taken = 0
  try {
    for await (const line of inputLines(input)) {
      yield line.trim() === '' ? undefined : parseEntry(line)
      taken++
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure(`line ${taken + 1}: ${error.message}${taken > 0 ? '; the lines before it were imported' : ''}`)
  }
}

/** Stores all entries. If something ends this early, the lines that were read before are stored, and the error says so. */
async function addAll(
  batches: Batches,
  first: IteratorResult<Line, void>,
  rest: AsyncGenerator<Line, void>,
  signal: AbortSignal
): Promise<void> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) {
      signal.throwIfAborted()
      await batches.add(next.value)
    }
  } catch (error) {
    await batches.write() // If a write has failed, there is nothing left to write.
    if (!isInterruption(error)) throw error
    throw new Interruption(`${counted(batches.lines, 'line')} imported; import the lines after them, or all again`)
  }
  await batches.write()
}

type Single = Exclude<Entry, { kind: 'clear' }>
type Operation = { type: 'put'; key: Buffer; value: Buffer; ttl?: number } | { type: 'del'; key: Buffer }

class Batches {
  readonly counts = { put: 0, deleted: 0, cleared: 0, expired: 0 }
  readonly #store: Store
  #waiting: Single[] = []
  #bytes = 0
  #taken = 0
  #stored = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** How many lines were taken. */
  get lines(): number {
    return this.#taken
  }

  async add(entry: Line): Promise<void> {
    if (entry?.kind === 'clear') await this.write()
    this.#taken++
    if (entry?.kind === 'clear') {
      await this.#store.clear(entry.end === undefined ? { gte: entry.key } : { gte: entry.key, lt: entry.end })
      this.counts.cleared++
      this.#stored = this.#taken
    } else if (entry !== undefined) {
      this.#waiting.push(entry)
      this.#bytes += entry.key.length + (entry.kind === 'put' ? entry.value.length : 0)
    }
    if (this.#waiting.length >= MAX_BATCH_ENTRIES || this.#bytes >= MAX_BATCH_BYTES) await this.write()
  }

  /** Writes the lines that wait, in one batch. @throws Failure if the store takes none of them. Those before them are stored. */
  async write(): Promise<void> {
    const entries = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    // The time that an entry has left to live is counted only now: a line may have waited for long.
    const operations = entries.map(entry => this.#operation(entry))
    try {
      if (operations.length > 0) await this.#store.batch(operations)
    } catch (error) {
      const { code, message } = describe(error)
      const before = this.#stored > 0 ? '; the lines before them were imported' : ''
      throw new Failure(`lines ${this.#stored + 1} to ${this.#taken}: ${message}${before}`, code)
    }
    this.#stored = this.#taken
  }

  /** An entry that has expired since is deleted, so that what the key held before does not show. */
  #operation(entry: Single): Operation {
    const { key } = entry
    if (entry.kind === 'delete') {
      this.counts.deleted++
      return { type: 'del', key }
    }
    const { value, expiresAt } = entry
    const ttl = expiresAt === undefined ? undefined : expiresAt - Date.now()
    if (ttl !== undefined && ttl <= 0) {
      this.counts.expired++
      return { type: 'del', key }
    }
    this.counts.put++
    return { type: 'put', key, value, ...(ttl === undefined ? {} : { ttl }) }
  }
}
