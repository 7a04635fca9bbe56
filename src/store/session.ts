import type { AbstractSnapshot } from 'abstract-level'
import type { Guard } from '../envelope/guard.js'
import { Tables } from '../memtable/tables.js'
import type { WalEvent } from '../wal/observer.js'
import type { WalOptions } from '../wal/options.js'
import { Admission } from './writing/admission.js'
import type { AnyLevel } from './any-level.js'
import { isLevelDb, isOpen } from './backend.js'
import { BackendWrites } from './writing/backend-writes.js'
import type { CodecChoice } from './codec-choice.js'
import type { Coding } from './coding.js'
import { Dictionaries } from './dictionaries/dictionaries.js'
import { dictionaryKey, encodeDictionary } from './dictionaries/dictionary-record.js'
import type { DictionarySource } from './dictionaries/dictionary-source.js'
import { DictionaryTrainer, type TrainerContext } from './dictionaries/dictionary-trainer.js'
import { EntrySource, type ReadView } from './reading/entry-source.js'
import { Flusher } from './writing/flusher.js'
import { GivenDictionary } from './dictionaries/given-dictionary.js'
import { assertNoLogNeeded } from './log/log-pairing.js'
import { MarkerState } from './marker-state.js'
import { MEMTABLE_DEFAULTS, type MemTableSettings } from './memtable-options.js'
import type { Settings } from './options.js'
import { Reader } from './reading/reader.js'
import { Sealer } from './writing/sealer.js'
import { SmallValues } from './dictionaries/small-values.js'
import type { SafeEmit } from './safe-emitter.js'
import type { Counters } from './stats.js'
import type { StoreLog } from './log/store-log.js'
import { tablesOf } from './reading/snapshot.js'
import { openStoreLog } from './log/store-log-opening.js'
import type { TableValue } from './writing/table-value.js'
import { TableWrites } from './writing/table-writes.js'
import { Unsealer } from './reading/unsealer.js'
import { ValueCache } from './reading/value-cache.js'
import { WriteQueue } from './writing/write-queue.js'
import type { Writes } from './writing/writes.js'

/** What exists only while the store is open: everything that depends on what was found in the backend. */
export interface Session {
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly unsealer: Unsealer
  readonly small: SmallValues
  /** undefined where no dictionary is to be used. */
  readonly dictionarySource: DictionarySource | undefined
  readonly reader: Reader
  readonly writes: Writes
  readonly cache: ValueCache | undefined
  readonly log: StoreLog | undefined
  readonly tables: Tables<TableValue> | undefined
  /** What is to be read: as it is now, or was when a snapshot was taken. */
  readonly view: (snapshot: AbstractSnapshot | undefined) => ReadView
}

/** @param backend open */
export async function beginSession(
  backend: AnyLevel,
  settings: Settings,
  choice: CodecChoice,
  counters: Counters,
  tell: SafeEmit
): Promise<Session> {
  const levelDb = isLevelDb(backend)
  const mayOmitChecksum = settings.checksum === 'auto' && levelDb
  const small = new SmallValues(new Dictionaries(), settings.minSize, settings.minSaving)
  const codingFor = (guard: Guard): Coding => ({
    sealer: new Sealer(
      settings,
      choice,
      { guard, mayOmitChecksum, overLevelDb: levelDb, small },
      counters,
      (codec, error) => tell('codecError', { codec, error })
    ),
    unsealer: new Unsealer(settings, guard, small.dictionaries, !levelDb, counters)
  })
  const {
    marker,
    log,
    coding,
    tables: replayed
  } = await openMarker(backend, settings, codingFor, small.dictionaries, tell)
  const { sealer, unsealer } = coding
  const cache = settings.cacheBytes > 0 ? new ValueCache(settings.cacheBytes, counters.cache) : undefined
  const parts = { backend, marker, cache, ...coding }
  const tables = replayed ?? (settings.memtable === undefined ? undefined : new Tables<TableValue>())
  const view = (snapshot: AbstractSnapshot | undefined): ReadView => ({
    backend,
    frozen: snapshot ? tablesOf(snapshot, backend) : (tables?.view() ?? []),
    ttlUsed: marker.ttlUsed
  })
  const writes =
    log === undefined || tables === undefined || settings.readOnly
      ? new BackendWrites(
          { ...parts, log, counters: counters.writes },
          new WriteQueue(backend, marker, cache, counters.writes, log)
        )
      : tableWrites({ ...parts, log, tables, view, overLevelDb: levelDb }, settings.memtable!, counters, tell)
  const dictionarySource = dictionarySourceFor(settings, {
    small,
    sealing: { guard: marker.guard, mayOmitChecksum },
    overLevelDb: levelDb,
    save: dictionary =>
      writes.storeReserved(dictionaryKey(dictionary.id), encodeDictionary(dictionary, marker.storeId)),
    onJudged: judgement => counters.judged(judgement),
    onFailed: error => counters.dictionaryFailed(error)
  })
  sealer.dictionarySource = dictionarySource
  return {
    marker,
    small,
    dictionarySource,
    ...coding,
    reader: new Reader(backend, marker, unsealer, cache, tables),
    writes,
    cache,
    log,
    tables,
    view
  }
}

/** A store that writes nothing makes none. */
function dictionarySourceFor(
  { dictionary, readOnly }: Settings,
  context: TrainerContext
): DictionarySource | undefined {
  if (dictionary === false || readOnly) return undefined
  const { small, save, onFailed } = context
  small.isOn = true
  return dictionary === 'auto' ? new DictionaryTrainer(context) : new GivenDictionary(dictionary, small, save, onFailed)
}

interface TableParts extends Coding, Pick<Session, 'marker' | 'cache' | 'view'> {
  readonly backend: AnyLevel
  readonly log: StoreLog
  readonly tables: Tables<TableValue>
  readonly overLevelDb: boolean
}

function tableWrites(parts: TableParts, settings: MemTableSettings, counters: Counters, tell: SafeEmit): TableWrites {
  const admission = new Admission(settings.maxBytes)
  let hasFailedForGood = false
  const flusher = new Flusher({
    ...parts,
    flushBytes: settings.flushBytes,
    maxRetryMs: Math.min(settings.flushIntervalMs, MAX_RETRY_MS),
    onFlushed: (weight, report) => {
      counters.flushed(report)
      tell('flush', report)
      admission.leave(weight)
      if (admission.waiting === 0) return
      parts.tables.freeze() // All that was let in may be there already, and nobody else comes to say so.
      flusher.wake()
    },
    onFailed: failure => {
      if (!hasFailedForGood) {
        counters.flushes.failed++
        counters.flushes.lastError = failure.error
        tell('flushError', { error: failure.error })
      }
      hasFailedForGood ||= failure.isFinal
      admission.afterFailure(failure)
      if (admission.waiting > 0) flusher.wake() // Whoever waits keeps the process alive until it is tried again.
    },
    onBackendCall: () => counters.writes.backendCalls++
  })
  const { view, unsealer, ...rest } = parts
  return new TableWrites({
    ...rest,
    counters: counters.writes,
    settings,
    admission,
    flusher,
    keysIn: options => {
      const seen = { ...options, keys: true, values: false }
      return keysOf(new EntrySource(view(options.snapshot), seen, unsealer), options.limit)
    }
  })
}

/** A flush that failed is tried again after this time at the latest, however often it has failed. */
const MAX_RETRY_MS = 1000

/** @param limit -1 for none */
async function keysOf(source: EntrySource, limit: number): Promise<Buffer[]> {
  const most = limit === -1 ? Infinity : limit
  const keys: Buffer[] = []
  try {
    for (;;) {
      const entries = await source.nextv(Math.min(KEYS_AT_ONCE, most - keys.length), {})
      for (const [key] of entries) keys.push(key!)
      if (entries.length === 0 || keys.length === most) return keys
    }
  } finally {
    await source.close()
  }
}

const KEYS_AT_ONCE = 1000

/**
 * Waits for the reads and writes accepted so far, and closes the log.
 *
 * @param backend may have been closed by itself: then the log keeps what the backend lacks
 */
export async function endSession(session: Session, backend: AnyLevel): Promise<void> {
  const { reader, writes, log, dictionarySource } = session
  const [, complete] = await Promise.all([reader.drain(), writes.close()])
  await dictionarySource?.stop()
  // What the log could not note it finds out by itself when it is opened again.
  await log?.close(isOpen(backend) && complete).catch(() => {})
}

async function openMarker(
  backend: AnyLevel,
  { wal, memtable = MEMTABLE_DEFAULTS }: Settings,
  codingFor: (guard: Guard) => Coding,
  dictionaries: Dictionaries,
  tell: SafeEmit
): Promise<{ marker: MarkerState; log: StoreLog | undefined; coding: Coding; tables?: Tables<TableValue> }> {
  if (wal !== undefined) {
    const options = { ...wal, onEvent: (event: WalEvent) => tellOfLog(event, wal, tell) }
    return openStoreLog(backend, options, memtable.maxBytes, codingFor, dictionaries)
  }
  const marker = await MarkerState.load(backend)
  assertNoLogNeeded(marker.log)
  await dictionaries.load(backend, marker.storeId)
  return { marker, log: undefined, coding: codingFor(marker.guard) }
}

const EVENT_NAMES: Readonly<Record<WalEvent['type'], string>> = {
  segmentRoll: 'walSegmentRoll',
  fsync: 'walFsync',
  truncated: 'walTruncated',
  poisoned: 'walPoisoned'
}

function tellOfLog(event: WalEvent, { onEvent }: WalOptions, tell: SafeEmit): void {
  tell(EVENT_NAMES[event.type], event)
  onEvent?.(event)
}
