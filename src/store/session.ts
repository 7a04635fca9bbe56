import type { WalEvent } from '../wal/observer.js'
import type { WalOptions } from '../wal/options.js'
import type { AnyLevel } from './any-level.js'
import { isLevelDb, isOpen } from './backend.js'
import type { CodecChoice } from './codec-choice.js'
import { assertNoLogNeeded } from './log-pairing.js'
import { MarkerState } from './marker-state.js'
import { Unsealer } from './unsealer.js'
import type { Settings } from './options.js'
import { Reader } from './reader.js'
import { Sealer } from './sealer.js'
import type { Counters } from './stats.js'
import type { StoreLog } from './store-log.js'
import { openStoreLog } from './store-log-opening.js'
import { ValueCache } from './value-cache.js'
import { WriteQueue } from './write-queue.js'

/** What exists only while the store is open: everything that depends on what was found in the backend. */
export interface Session {
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly unsealer: Unsealer
  readonly reader: Reader
  readonly writes: WriteQueue
  readonly cache: ValueCache | undefined
  readonly log: StoreLog | undefined
}

/** @param backend open */
export async function beginSession(
  backend: AnyLevel,
  settings: Settings,
  choice: CodecChoice,
  counters: Counters,
  tell: (event: string, details: object) => void
): Promise<Session> {
  const { marker, log } = await openMarker(backend, settings, tell)
  const { guard } = marker
  const levelDb = isLevelDb(backend)
  const mayOmitChecksum = settings.checksum === 'auto' && levelDb
  const unsealer = new Unsealer(settings, guard, !levelDb, counters)
  if (log !== undefined) log.values.opener = envelope => unsealer.valueOf(envelope)
  const cache = settings.cacheBytes > 0 ? new ValueCache(settings.cacheBytes, counters.cache) : undefined
  return {
    marker,
    sealer: new Sealer(settings, choice, { guard, mayOmitChecksum, overLevelDb: levelDb }, counters, (codec, error) =>
      tell('codecError', { codec: codec.name, error })
    ),
    unsealer,
    reader: new Reader(backend, marker, unsealer, cache),
    writes: new WriteQueue(backend, marker, cache, counters.writes, log),
    cache,
    log
  }
}

/**
 * Waits for the reads and writes accepted so far, and closes the log.
 *
 * @param backend may have been closed by itself: then writes are rejected, and the log keeps what the backend lacks
 */
export async function endSession({ reader, writes, log }: Session, backend: AnyLevel): Promise<void> {
  await Promise.all([reader.drain(), writes.drain()])
  // What the log could not note it finds out by itself when it is opened again.
  await log?.close(isOpen(backend)).catch(() => {})
}

async function openMarker(
  backend: AnyLevel,
  { wal }: Settings,
  tell: (event: string, details: object) => void
): Promise<{ marker: MarkerState; log: StoreLog | undefined }> {
  if (wal !== undefined) return openStoreLog(backend, { ...wal, onEvent: event => tellOfLog(event, wal, tell) })
  const marker = await MarkerState.load(backend)
  assertNoLogNeeded(marker.log)
  return { marker, log: undefined }
}

const EVENT_NAMES: Readonly<Record<WalEvent['type'], string>> = {
  segmentRoll: 'walSegmentRoll',
  fsync: 'walFsync',
  truncated: 'walTruncated',
  poisoned: 'walPoisoned'
}

function tellOfLog(event: WalEvent, { onEvent }: WalOptions, tell: (event: string, details: object) => void): void {
  tell(EVENT_NAMES[event.type], event)
  onEvent?.(event)
}
