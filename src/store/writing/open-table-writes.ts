import type { AbstractSnapshot } from 'abstract-level'
import type { Tables } from '../../memtable/tables.js'
import type { AnyLevel } from '../backend/any-level.js'
import type { Coding } from '../coding.js'
import type { StoreLog } from '../log/store-log.js'
import type { MarkerState } from '../marker-state.js'
import type { MemTableSettings } from '../options/memtable-options.js'
import type { ReadView } from '../reading/entry-source.js'
import type { GetQueue } from '../reading/get-queue.js'
import { visibleKeys } from '../reading/selected-keys.js'
import type { ValueCache } from '../reading/value-cache.js'
import type { Counters } from '../stats.js'
import type { SafeEmit } from '../store-events.js'
import type { TableValue } from '../table-value.js'
import { Admission } from './admission.js'
import { Flusher } from './flusher.js'
import { TableWrites } from './table-writes.js'

/** A flush that failed is tried again after this time at the latest, however often it has failed. */
const MAX_RETRY_MS = 1000

interface TableParts extends Coding {
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly log: StoreLog
  readonly tables: Tables<TableValue>
  readonly cache: ValueCache | undefined
  readonly gets: GetQueue
  readonly view: (snapshot: AbstractSnapshot | undefined) => ReadView
  readonly overLevelDb: boolean
}

/** Puts the write path of a store with a MemTable together: flushes make room, or say why there is none, for the writes that wait for it. */
export function openTableWrites(
  parts: TableParts,
  settings: MemTableSettings,
  counters: Counters,
  emit: SafeEmit
): TableWrites {
  const admission = new Admission(settings.maxBytes, () => flusher.end)
  const flusher = new Flusher({
    ...parts,
    flushBytes: settings.flushBytes,
    maxRetryMs: Math.min(settings.flushIntervalMs, MAX_RETRY_MS),
    onFlushed: (weight, report) => {
      counters.flushed(report)
      emit('flush', report)
      admission.leave(weight)
      if (admission.waiting === 0) return
      // Everything admitted may be in the table already. Then no later write would begin the next flush, which those that wait need.
      parts.tables.freeze()
      flusher.wake()
    },
    onFailed: failure => {
      counters.flushes.failed++
      counters.flushes.lastError = failure.error
      emit('flushError', { error: failure.error })
      admission.afterFailure(failure)
      if (admission.waiting > 0) flusher.wake() // Keeps the process alive until the flush is tried again: somebody waits for it.
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
    keysIn: options => visibleKeys(view(options.snapshot), options, unsealer)
  })
}
