import type { CodecName } from '../index.js'
import type { CommonOptions, Context } from './context.js'
import { type Entry, parseEntry } from './entry-lines.js'
import { EXIT, Failure } from './failure.js'
import { inputLines } from './input-lines.js'
import { counted } from './table.js'
import { type Store, writeTo } from './writing.js'

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
    let number = 0
    try {
      for await (const line of inputLines(streams.stdin)) {
        number++
        signal.throwIfAborted()
        if (line.trim() !== '') await batches.add(parseEntry(line))
      }
    } catch (error) {
      await batches.write()
      if (!(error instanceof Failure)) throw error
      throw new Failure(`line ${number}: ${error.message}; the lines before it were imported`)
    }
    await batches.write()
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

type Operation = { type: 'put'; key: Buffer; value: Buffer; ttl?: number } | { type: 'del'; key: Buffer }

class Batches {
  readonly counts = { put: 0, deleted: 0, cleared: 0, expired: 0 }
  readonly #store: Store
  #operations: Operation[] = []
  #bytes = 0

  constructor(store: Store) {
    this.#store = store
  }

  async add(entry: Entry): Promise<void> {
    if (entry.kind === 'clear') {
      await this.write()
      await this.#store.clear(entry.end === undefined ? { gte: entry.key } : { gte: entry.key, lt: entry.end })
      this.counts.cleared++
      return
    }
    this.#operations.push(this.#operation(entry))
    this.#bytes += entry.key.length + (entry.kind === 'put' ? entry.value.length : 0)
    if (this.#operations.length >= MAX_BATCH_ENTRIES || this.#bytes >= MAX_BATCH_BYTES) await this.write()
  }

  async write(): Promise<void> {
    const operations = this.#operations
    this.#operations = []
    this.#bytes = 0
    if (operations.length > 0) await this.#store.batch(operations)
  }

  /** An entry that has expired since is deleted, so that what the key held before does not show. */
  #operation(entry: Exclude<Entry, { kind: 'clear' }>): Operation {
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
