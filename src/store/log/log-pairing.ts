import { type CompressedKvError, corruption, notSupported } from '../../errors.js'
import type { SegmentExtent } from '../../wal/segments/recovered-segment.js'
import type { Marker } from '../marker.js'

/**
 * Refuses a backend and a log that were separated, or of which one is older than the other: they would lose writes, or bring deleted ones
 * back.
 *
 * @param directory of the log
 * @throws LEVEL_CORRUPTION
 */
export function assertBelongsTogether(
  marker: Pick<Marker, 'logDirty' | 'logDirtySince' | 'applied'>,
  directory: string,
  segments: readonly SegmentExtent[]
): void {
  if (segments.length === 0) {
    if (!marker.logDirty) return
    throw corruption(
      `the log in ${directory} is missing, and the database was not closed: writes may be in it that the database has not. ` +
        'Put the directory back, name the one that the log is in, or restore both from one backup'
    )
  }
  const { logDirtySince = 0 } = marker // Unset unless the log is dirty.
  if (segments.at(-1)!.createdAt < logDirtySince) {
    throw corruption(
      `the log in ${directory} is an older one: the database was last used with another, and was not closed. ` +
        'Writes that the database lacks may be in the other: open it with the directory of that one, or restore both from one backup'
    )
  }
  // What the database lacks must be in the log without a gap. A gap before that does no harm: the database has what a power cut took from
  // the log there.
  let next = marker.applied + 1
  for (const { firstSequence, lastSequence } of segments) {
    if (lastSequence < next) continue
    if (firstSequence > next) {
      throw corruption(
        `the database has the writes up to ${marker.applied}, and the log in ${directory} goes on with ${firstSequence}: ` +
          'those between are missing. Restore both from one backup'
      )
    }
    next = lastSequence + 1
  }
}

export function otherStore(directory: string): CompressedKvError {
  return corruption(
    `the backend's data and the log in ${directory} belong to different stores: give this store a new directory for its log`
  )
}

/**
 * Refuses a store that is opened without the log that it needs.
 *
 * @param mayForget whether what is written now may be lost: the backend keeps nothing when it is closed, and is filled from its log when it is next
 *   opened with it
 * @throws LEVEL_NOT_SUPPORTED
 */
export function assertNoLogNeeded(
  { logExists, logDirty }: Pick<Marker, 'logExists' | 'logDirty'>,
  mayForget: boolean
): void {
  if (logDirty) {
    throw notSupported(
      'The database was not closed, and its write-ahead log may hold writes that it has not: open it once with that log, ' +
        'without `wal: false`, or with `wal` as it was'
    )
  }
  if (logExists && mayForget) {
    throw notSupported(
      'What this backend holds is from a write-ahead log, which would not have what is written without it: open it with `wal` as it was, ' +
        'or with `readOnly: true`; to go on without a log, back it up into another database and wrap that'
    )
  }
}
