import type { AbstractSnapshot } from 'abstract-level'
import { crc32c } from '../checksum/crc32c.js'
import { Tables } from '../memtable/tables.js'
import type { WalEvent } from '../wal/observer.js'
import type { WalOptions } from '../wal/options.js'
import type { AnyLevel } from './backend/any-level.js'
import { isLevelDb, isOpen } from './backend/backend.js'
import { refuseAfterFailedWrite } from './backend/failed-writes.js'
import { LastKeys } from './backend/last-keys.js'
import type { Coding, CodingFor } from './coding.js'
import { Dictionaries } from './dictionaries/dictionaries.js'
import { dictionaryKey, encodeDictionary } from './dictionaries/dictionary-record.js'
import type { DictionarySource } from './dictionaries/dictionary-source.js'
import { DictionaryTrainer, type TrainerContext } from './dictionaries/dictionary-trainer.js'
import { GivenDictionary } from './dictionaries/given-dictionary.js'
import { SmallValues } from './dictionaries/small-values.js'
import { assertNoLogNeeded } from './log/log-pairing.js'
import { openStoreLog } from './log/store-log-opening.js'
import type { StoreLog } from './log/store-log.js'
import { MarkerState } from './marker-state.js'
import type { CodecChoice } from './options/codec-choice.js'
import { MEMTABLE_DEFAULTS } from './options/memtable-options.js'
import type { Settings } from './options/options.js'
import type { ReadView } from './reading/entry-source.js'
import { GetQueue } from './reading/get-queue.js'
import { Reader } from './reading/reader.js'
import { tablesOf } from './reading/snapshot.js'
import { Unsealer } from './reading/unsealer.js'
import { ValueCache } from './reading/value-cache.js'
import type { Counters } from './stats.js'
import type { SafeEmit, StoreEvents } from './store-events.js'
import type { TableValue } from './table-value.js'
import { BackendWrites } from './writing/backend-writes.js'
import { openTableWrites } from './writing/open-table-writes.js'
import { Sealer } from './writing/sealer.js'
import type { Writes } from './writing/writes.js'

/** Everything that exists only while the store is open, since it depends on what was found in the backend. */
export interface Session {
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly unsealer: Unsealer
  readonly small: SmallValues
  /** undefined if no dictionary is to be used. */
  readonly dictionarySource: DictionarySource | undefined
  readonly reader: Reader
  readonly writes: Writes
  readonly cache: ValueCache | undefined
  readonly log: StoreLog | undefined
  readonly tables: Tables<TableValue> | undefined
  readonly lastKeys: LastKeys
  /** What readers see now, or saw when a snapshot was taken. */
  readonly view: (snapshot: AbstractSnapshot | undefined) => ReadView
}

/** @param backend must be open */
export async function beginSession(
  backend: AnyLevel,
  settings: Settings,
  choice: CodecChoice,
  counters: Counters,
  emit: SafeEmit
): Promise<Session> {
  const overLevelDb = isLevelDb(backend)
  if (overLevelDb && !settings.readOnly) refuseAfterFailedWrite(backend)
  const mayOmitChecksum = settings.checksum === 'auto' && overLevelDb
  const small = new SmallValues(new Dictionaries(), settings.minSize, settings.minSaving)
  const onCodecError = (codec: string, error: unknown) => emit('codecError', { codec, error })
  const codingFor: CodingFor = guard => ({
    sealer: new Sealer(settings, choice, { guard, mayOmitChecksum, overLevelDb, small }, counters, onCodecError),
    unsealer: new Unsealer(settings, guard, small.dictionaries, !overLevelDb, counters)
  })
  const stored = await openStored(backend, settings, codingFor, small.dictionaries, emit)
  const { marker, log, coding } = stored
  small.dictionaries.newestEver = marker.current.newestDictionary
  const cache = settings.cacheBytes > 0 ? new ValueCache(settings.cacheBytes, counters.cache) : undefined
  const tables = stored.tables ?? (settings.memtable === undefined ? undefined : new Tables<TableValue>())
  // With readOnly the tables have what was logged, whatever keys those are.
  const lastKeys = overLevelDb && !settings.readOnly ? await LastKeys.of(backend) : LastKeys.unknown()
  const view = (snapshot: AbstractSnapshot | undefined): ReadView => ({
    backend,
    frozen: snapshot ? tablesOf(snapshot, backend) : (tables?.view() ?? []),
    ttlUsed: marker.ttlUsed,
    reservedAreLast: lastKeys.areReserved
  })
  const gets = new GetQueue(backend)
  const parts = { backend, marker, cache, gets, ...coding }
  const writes =
    log === undefined || tables === undefined || settings.readOnly
      ? new BackendWrites({ ...parts, log, overLevelDb, counters: counters.writes })
      : openTableWrites({ ...parts, log, tables, view, overLevelDb }, settings.memtable!, counters, emit)
  const dictionarySource = dictionarySourceFor(settings, {
    small,
    sealing: { guard: marker.guard, mayOmitChecksum },
    overLevelDb,
    save: dictionary => {
      marker.update({ newestDictionary: { id: dictionary.id, crc: crc32c(dictionary.bytes) } })
      return writes.storeReserved(dictionaryKey(dictionary.id), encodeDictionary(dictionary, marker.storeId))
    },
    onJudged: judgement => counters.judged(judgement),
    onFailed: error => counters.dictionaryFailed(error)
  })
  coding.sealer.dictionarySource = dictionarySource
  return {
    marker,
    small,
    dictionarySource,
    ...coding,
    reader: new Reader(backend, marker, coding.unsealer, cache, tables, gets),
    writes,
    cache,
    log,
    tables,
    lastKeys,
    view
  }
}

/** undefined if no dictionary is to be used, and for a read-only store. */
function dictionarySourceFor(
  { dictionary, readOnly }: Settings,
  context: TrainerContext
): DictionarySource | undefined {
  if (dictionary === false || readOnly) return undefined
  const { small, save, onFailed } = context
  return dictionary === 'auto' ? new DictionaryTrainer(context) : new GivenDictionary(dictionary, small, save, onFailed)
}

/**
 * Waits for the reads and writes accepted so far, and closes the log.
 *
 * @param backend if it was closed before the store, the log keeps what the backend lacks
 */
export async function endSession(session: Session, backend: AnyLevel): Promise<void> {
  const { reader, writes, log, dictionarySource } = session
  const [, complete] = await Promise.all([reader.drain(), writes.close()])
  await dictionarySource?.stop()
  // An error is ignored: if the log could not be closed cleanly, the next opening recovers it.
  await log?.close(isOpen(backend) && complete).catch(() => {})
}

/** Reads the marker and the dictionaries. If the store has a log, opens it and writes to the backend what that lacks. */
async function openStored(
  backend: AnyLevel,
  { wal, memtable = MEMTABLE_DEFAULTS, readOnly }: Settings,
  codingFor: CodingFor,
  dictionaries: Dictionaries,
  emit: SafeEmit
): Promise<{ marker: MarkerState; log: StoreLog | undefined; coding: Coding; tables?: Tables<TableValue> }> {
  if (wal !== undefined) {
    const options = { ...wal, onEvent: (event: WalEvent) => emitLogEvent(event, wal, emit) }
    return openStoreLog(backend, options, memtable.maxBytes, codingFor, dictionaries)
  }
  const marker = await MarkerState.load(backend)
  assertNoLogNeeded(marker.current, !readOnly && !backend.supports.permanence)
  await dictionaries.load(backend, marker.storeId)
  return { marker, log: undefined, coding: codingFor(marker.guard) }
}

const EVENT_NAMES = {
  segmentRoll: 'walSegmentRoll',
  fsync: 'walFsync',
  truncated: 'walTruncated',
  poisoned: 'walPoisoned'
} as const satisfies Readonly<Record<WalEvent['type'], keyof StoreEvents>>

function emitLogEvent(event: WalEvent, { onEvent }: WalOptions, emit: SafeEmit): void {
  emit(EVENT_NAMES[event.type], event)
  onEvent?.(event)
}
