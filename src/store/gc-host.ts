import { CODEC_ID } from '../codec/codec.js'
import { hasExpired } from '../envelope/expiry.js'
import type { Opened } from '../envelope/open.js'
import { tooLarge } from '../errors.js'
import type { GcHost, Rewrite, SweptChunk, SweptEntry } from '../gc/host.js'
import type { Gc } from '../gc/policy.js'
import { Slice } from '../gc/slice.js'
import { keyName } from '../memtable/key-name.js'
import type { AnyLevel } from './backend/any-level.js'
import { KEY_AS_BYTES } from './backend/as-bytes.js'
import { type BackendOperation, writeToBackend } from './backend/backend-write.js'
import { compactBackend } from './backend/compaction.js'
import type { KeyRange } from './backend/key-range.js'
import { aroundReserved } from './backend/reserved-keys.js'
import { dictionaryKey } from './dictionaries/dictionary-record.js'
import type { SmallValues } from './dictionaries/small-values.js'
import { UnneededDictionaries } from './dictionaries/unneeded-dictionaries.js'
import { rawEntries } from './reading/raw-entries.js'
import { type Unsealer, uncountedUnsealer } from './reading/unsealer.js'
import type { Session } from './session.js'
import type { Counters } from './stats.js'
import type { TouchedKeys } from './writing/touched-keys.js'

/** A chunk of a sweep ends when it has this many entries or bytes. */
const MAX_CHUNK_ENTRIES = 256
const MAX_CHUNK_BYTES = 1024 * 1024

/** An entry of the backend, with its opened envelope. */
interface OpenedEntry extends SweptEntry {
  readonly opened: Opened | undefined
}

/** The store, as the collector sees it. */
export class StoreGcHost implements GcHost {
  readonly #backend: AnyLevel
  readonly #session: () => Session
  readonly #counters: Counters
  readonly #maxValueSize: number
  readonly opening: () => Promise<void> | undefined
  readonly assertWritable: () => void
  readonly defaultPolicy: () => Gc
  /** Finds out which dictionaries no value needs, during the sweep under way. */
  #unneeded: UnneededDictionaries | undefined
  /** The last record that had been logged when that sweep began. */
  #loggedBefore = 0

  /** @param session throws if the store is not open */
  constructor(
    backend: AnyLevel,
    maxValueSize: number,
    counters: Counters,
    session: () => Session,
    { opening, assertWritable, defaultPolicy }: Pick<GcHost, 'opening' | 'assertWritable' | 'defaultPolicy'>
  ) {
    this.#backend = backend
    this.#maxValueSize = maxValueSize
    this.#counters = counters
    this.#session = session
    this.opening = opening
    this.assertWritable = assertWritable
    this.defaultPolicy = defaultPolicy
  }

  get state(): Buffer {
    return this.#session().marker.current.sweep
  }

  get activity(): number {
    return this.#counters.read.values + this.#counters.writes.calls
  }

  async settle(): Promise<void> {
    const { writes, small, dictionarySource, log } = this.#session()
    this.#unneeded = new UnneededDictionaries(small)
    await writes.flush()
    this.#loggedBefore = log?.lastSequence ?? 0
    await dictionarySource?.idle() // If a dictionary is being made, the sweep is to move values to that one.
  }

  async lastKey(): Promise<Buffer | undefined> {
    for (const range of aroundReserved({}).toReversed()) {
      const [key] = await this.#backend.keys<Buffer>({ ...range, ...KEY_AS_BYTES, limit: 1, reverse: true }).all()
      if (key !== undefined) return Buffer.from(key)
    }
    return undefined
  }

  async chunk(after: Buffer | undefined, last: Buffer): Promise<SweptChunk> {
    const { writes } = this.#session()
    const touched = await writes.watch()
    try {
      const replaced = new Set<SweptEntry>()
      const unneeded = this.#unneeded
      unneeded?.enter(after)
      const entries = await this.#read({ ...(after === undefined ? {} : { gt: after }), lte: last })
      return {
        entries,
        rewrite: async rewrites => {
          const stored = await this.#rewrite(rewrites, touched)
          for (const [i, { entry, decision }] of rewrites.entries()) {
            // A value that is only marked as tried keeps its payload, which needs its dictionary as before.
            const isNew = decision.action === 'recompress' || decision.action === 'drop'
            if (isNew && stored[i] !== undefined) replaced.add(entry)
          }
          return stored
        },
        end: () => {
          touched.end()
          for (const entry of entries) if (!replaced.has(entry)) unneeded?.stays(entry.opened)
        }
      }
    } catch (error) {
      touched.end()
      throw error
    }
  }

  async remember(state: Buffer): Promise<void> {
    if (this.#logIsDatabase) return
    const { marker, writes } = this.#session()
    marker.update({ sweep: state })
    await writes.saveMarker()
  }

  async finished(plainLeft: boolean): Promise<void> {
    if (this.#logIsDatabase) return
    const { marker, writes } = this.#session()
    await this.#deleteDictionaries(this.#unneeded?.ids() ?? [])
    const { sweep, plainValues } = marker.current
    if (sweep.length === 0 && (plainLeft || !plainValues)) return
    marker.update({ sweep: Buffer.alloc(0), plainValues: plainValues && plainLeft })
    await writes.saveMarker()
  }

  /** Deletes dictionaries, unless records in the log may still need them. Then the next sweep deletes them. */
  async #deleteDictionaries(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return
    const { writes, small } = this.#session()
    await writes.flush() // Values that the policy dropped are in the backend until then, or come back after a power cut, and may need them.
    if (!(await this.#forgetLogged())) return
    const deletions = ids.map(id => ({ type: 'del', key: dictionaryKey(id) }) as const)
    await writeToBackend(this.#backend, deletions, true)
    small.dictionaries.deleted(ids)
  }

  /** Deletes from the log what was logged before the sweep, since that may need the dictionaries. @returns whether all of it is gone */
  async #forgetLogged(): Promise<boolean> {
    const { log, writes } = this.#session()
    return log === undefined || log.forget(this.#loggedBefore, () => writes.flush())
  }

  /** Where the log is the database, it has what a sweep has rewritten only with its next snapshot: until then nothing may rely on the sweep. */
  get #logIsDatabase(): boolean {
    return this.#session().log?.isDatabase === true
  }

  /** Flushed first: deletions of what the policy dropped may still be in a table, and they free space only when the backend has them. */
  async compact(): Promise<void> {
    await this.#session().writes.flush()
    await compactBackend(this.#backend)
  }

  /** A new iterator for every chunk, since an iterator shows the entries as they were when it was made. */
  async #read(range: KeyRange): Promise<OpenedEntry[]> {
    const entries: OpenedEntry[] = []
    const { marker, small } = this.#session()
    const unsealer = uncountedUnsealer(this.#maxValueSize, marker.guard, small.dictionaries)
    let bytes = 0
    for await (const [key, stored] of rawEntries(this.#backend, range)) {
      entries.push(entryOf(Buffer.from(key), stored, unsealer, small, this.#maxValueSize))
      bytes += stored.length
      if (entries.length >= MAX_CHUNK_ENTRIES || bytes >= MAX_CHUNK_BYTES) break
    }
    return entries
  }

  async #rewrite(rewrites: readonly Rewrite[], touched: TouchedKeys): Promise<(number | undefined)[]> {
    const { writes, marker } = this.#session()
    // Envelopes are written now with the guard that the marker has: without it nobody could read them.
    if (marker.stored === undefined) await writes.saveMarker()
    const stored = new Map<Rewrite, number>()
    await this.#replace(
      rewrites.filter(rewrite => !isDeletion(rewrite)),
      touched,
      stored
    )
    await this.#delete(rewrites.filter(isDeletion), touched, stored)
    return rewrites.map(rewrite => stored.get(rewrite))
  }

  /** Writes to the backend without logging it, since nothing changes that a reader sees. */
  async #replace(rewrites: readonly Rewrite[], touched: TouchedKeys, stored: Map<Rewrite, number>): Promise<void> {
    const { writes, sealer, cache } = this.#session()
    const operations: BackendOperation[] = []
    const slice = new Slice()
    for (const { entry, decision } of rewrites) {
      await slice.next()
      const { key } = entry
      if (decision.action === 'drop') operations.push({ type: 'del', key })
      else operations.push({ type: 'put', key, value: sealer.reseal((entry as OpenedEntry).opened!, decision) })
    }
    for (const { type, key } of operations) if (type === 'del') cache?.invalidate(keyName(key))
    const written = await writes.rewrite(operations, touched)
    for (const [i, operation] of operations.entries()) {
      if (written[i]) stored.set(rewrites[i]!, operation.type === 'put' ? operation.value.length : 0)
    }
  }

  async #delete(rewrites: readonly Rewrite[], touched: TouchedKeys, stored: Map<Rewrite, number>): Promise<void> {
    if (rewrites.length === 0) return
    const { writes, cache } = this.#session()
    const keys = rewrites.map(({ entry }) => entry.key)
    let deleted: readonly boolean[]
    try {
      deleted = await writes.deleteUntouched(keys, touched)
    } finally {
      for (const key of keys) cache?.invalidate(keyName(key)) // Also after an error: the backend may have deleted them.
    }
    for (const [i, rewrite] of rewrites.entries()) if (deleted[i]) stored.set(rewrite, 0)
  }
}

/** Whether it is a deletion that has to be logged. What has expired is seen by nobody, so its deletion need not be. */
function isDeletion({ entry, decision }: Rewrite): boolean {
  return decision.action === 'drop' && !entry.expired
}

function entryOf(
  key: Buffer,
  stored: Buffer,
  unsealer: Unsealer,
  small: SmallValues,
  maxValueSize: number
): OpenedEntry {
  const storedBytes = stored.length
  let opened: Opened
  try {
    opened = unsealer.open(stored)
  } catch (error) {
    return { key, storedBytes, expired: false, plain: false, value: undefined, error, opened: undefined }
  }
  const { codecId, probe, dictionary, expiresAt, rawLength, payload, enveloped } = opened
  if (!enveloped && rawLength > maxValueSize) {
    // It must not get an envelope: readers get a plain value of any size, but from an envelope only up to maxValueSize.
    const error = tooLarge(rawLength, maxValueSize)
    return { key, storedBytes, expired: false, plain: true, value: undefined, error, opened }
  }
  return {
    key,
    storedBytes,
    expired: hasExpired(expiresAt),
    plain: !enveloped,
    value: {
      key,
      tombstone: false,
      compressed: codecId !== CODEC_ID.none,
      codecId,
      probe,
      dictionary,
      offer: small.offerFor(rawLength),
      expiresAt,
      rawLength,
      storedLength: payload.length,
      raw: () => unsealer.value(opened)
    },
    error: undefined,
    opened
  }
}
