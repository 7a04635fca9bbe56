import type { Readable } from 'node:stream'
import type { CodecName } from '../../index.js'
import type { CommonOptions, Context } from '../context.js'
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

/** Entries that one batch writes, and their bytes: no more is read ahead. */
const MAX_BATCH_ENTRIES = 1000
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** Stores the entries on stdin, one a line, as `ckv export` prints them. */
export async function importEntries(
  { streams, output, signal }: Context,
  location: string,
  { codec, minSize, wrap, wal, json }: ImportOptions
): Promise<number> {
  const counts = await writeTo(location, { wal, create: true, wrap, store: { codec, minSize } }, async store => {
    const batches = new Batches(store)
    await addAll(batches, streams.stdin, signal)
    await store.sync()
    return batches.counts
  })
  if (json) await output.json(counts)
  else
    await output.line(
      `${counted(counts.put, 'value')} imported${counts.expired > 0 ? `, ${counts.expired} had expired` : ''}`
    )
  return EXIT.ok
}

/** Whatever ends it, the lines that were read before are stored, and the error says so. */
async function addAll(batches: Batches, input: Readable, signal: AbortSignal): Promise<void> {
  try {
    for await (const line of inputLines(input)) {
      signal.throwIfAborted()
      await batches.add(line)
    }
  } catch (error) {
    if (error instanceof RefusedLines) throw error
    await batches.write()
    const { lines } = batches
    if (isInterruption(error)) {
      throw new Interruption(`${counted(lines, 'line')} imported; import what follows, or all of it again`)
    }
    if (!(error instanceof Failure)) throw error
    const before = lines > 0 ? '; the lines before it were imported' : ''
    throw new Failure(`line ${lines + 1}: ${error.message}${before}`)
  }
  await batches.write()
}

/** The store took none of some lines. Those before them are stored. */
class RefusedLines extends Failure {}

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

  /** Lines that were taken. */
  get lines(): number {
    return this.#taken
  }

  /** @throws Failure for a line that is none, which is not taken */
  async add(line: string): Promise<void> {
    const entry = line.trim() === '' ? undefined : parseEntry(line)
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

  /** @throws RefusedLines */
  async write(): Promise<void> {
    const entries = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    // A line may have waited for long: what it has left to live is what counts now.
    const operations = entries.map(entry => this.#operation(entry))
    try {
      if (operations.length > 0) await this.#store.batch(operations)
    } catch (error) {
      const { code, message } = describe(error)
      const before = this.#stored > 0 ? '; the lines before them were imported' : ''
      throw new RefusedLines(`lines ${this.#stored + 1} to ${this.#taken}: ${message}${before}`, code)
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
