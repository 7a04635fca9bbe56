import { corruption, notSupported } from '../errors.js'
import type { Marker } from './marker.js'

/** What a log holds. */
export interface LogExtent {
  readonly directory: string
  readonly segments: number
  /** Of the first record that it can hold. */
  readonly firstSequence: number
}

/**
 * A backend and a log that were separated, or put together from different days, would lose writes or bring deleted ones back.
 *
 * @throws LEVEL_CORRUPTION
 */
export function assertBelongsTogether(marker: Pick<Marker, 'logDirty' | 'applied'>, log: LogExtent): void {
  if (log.segments === 0) {
    if (!marker.logDirty) return
    throw corruption(
      `the log in ${log.directory} is missing, and the database was not closed: writes may be in it that the database has not. ` +
        'Put the directory back, or restore both from one backup'
    )
  }
  if (log.firstSequence <= marker.applied + 1) return
  throw corruption(
    `the database has the writes up to ${marker.applied}, and the log in ${log.directory} begins with ${log.firstSequence}: ` +
      'those between are missing. Restore both from one backup'
  )
}

/**
 * For a store that is opened without its log.
 *
 * @throws LEVEL_NOT_SUPPORTED
 */
export function assertNoLogNeeded({ logDirty }: Pick<Marker, 'logDirty'>): void {
  if (!logDirty) return
  throw notSupported(
    'The database was not closed, and its write-ahead log may hold writes that it has not: open it once with the `wal` option'
  )
}
