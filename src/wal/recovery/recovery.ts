import { corruption, type CompressedKvError } from '../../errors.js'
import { isMissing } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, SEAL_BYTES, SEGMENT_HEADER_BYTES, segmentSeed } from '../format/format.js'
import { type LogTail, NO_SEGMENT_BEFORE, type SegmentEnd } from '../format/segment-header.js'
import type { WalObserver } from '../observer.js'
import { ChunkMemory } from '../reading/frame-scanner.js'
import { ShorterFile } from '../segments/read-fully.js'
import type { RecoveredSegment, SegmentExtent } from '../segments/recovered-segment.js'
import { draftPath, type LogDirectory, segmentIds, segmentIdsIn, segmentPath } from '../segments/segment-files.js'
import type { CorruptRange, RecoveredLog } from './recovered-log.js'
import { type Progress, progressOf, type WalProgress } from './recovery-progress.js'
import { sealCopy, setAside } from './recovery-repair.js'
import { recoveryCase, type SegmentFacts } from './recovery-table.js'
import { scanSegment, type ScannedSegment } from './segment-scan.js'

/** How many times the reading of a segment is tried if the file becomes shorter meanwhile. */
const MAX_SCANS = 3

export interface RecoverySettings extends LogDirectory {
  readonly mode: 'tail' | 'strict'
  /** Whether nothing may be changed on disk. */
  readonly readOnly: boolean
  /** The id that the log must have, if given. */
  readonly storeId: Buffer | undefined
  /** Whether a missing directory counts as a log without segments. */
  readonly mayBeMissing?: boolean | undefined
  /** Called with the segments that were found, before anything is changed. Throws if they are not those that are wanted. */
  readonly approve?: ((segments: readonly SegmentExtent[]) => void) | undefined
  readonly observer: WalObserver
  readonly onProgress: ((progress: WalProgress) => void) | undefined
}

/**
 * Reads and checks a whole log, and seals its last segment, so that a writer can go on with a new one.
 *
 * @throws LEVEL_CORRUPTION for what is not a torn end, or another store's log; LEVEL_NOT_SUPPORTED for a later format; errors of the
 *   file system, which change nothing
 */
export async function recoverLog(settings: RecoverySettings): Promise<RecoveredLog> {
  const { readOnly } = settings
  const found = await examine(settings)
  settings.approve?.(found.whole.map(extentOf))
  // Only from here on is anything of the log changed.
  if (!readOnly && found.setAside !== undefined) await setAside(settings, found.setAside.id, found.setAside.size)
  const segments = found.whole.map(recovered)
  const last = found.whole.at(-1)
  let end = last && endOf(last)
  if (last !== undefined && !readOnly && !(last.sealed && last.intactBytes === last.size)) {
    end = await sealCopy(settings, last)
  }
  return {
    storeId: found.storeId,
    segments,
    tail: tailOf(last, end),
    report: {
      records: found.whole.reduce((sum, { records }) => sum + records, 0),
      segments: segments.length,
      bytesTruncated: found.corrupt.reduce((sum, { from, to }) => sum + to - from, 0),
      corruption: found.corrupt
    }
  }
}

interface Examined {
  readonly storeId: Buffer | undefined
  /** The readable segments. The last of them may have a torn end, or no seal. */
  readonly whole: ScannedSegment[]
  /** A last segment whose header was never written completely. */
  readonly setAside: ScannedSegment | undefined
  readonly corrupt: CorruptRange[]
}

/** Looks every segment up in the table of recovery cases. Changes nothing, except that it removes the draft of an interrupted recovery. */
async function examine(settings: RecoverySettings): Promise<Examined> {
  const { fs, directory, readOnly, mayBeMissing } = settings
  const ids = mayBeMissing ? await segmentIdsIn(settings) : segmentIds(await fs.list(directory))
  if (!readOnly && ids.length > 0) await fs.remove(draftPath(directory, ids.at(-1)!)).catch(ignoreMissing)
  const progress = await progressOf(settings, ids)
  const memory = new ChunkMemory()
  const whole: ScannedSegment[] = []
  const corrupt: CorruptRange[] = []
  let { storeId } = settings
  for (const [i, id] of ids.entries()) {
    if (i > 0 && id !== ids[i - 1]! + 1) throw missing(settings, ids[i - 1]! + 1, whole)
    const scanned = await scan(settings, id, progress, memory)
    const { header } = scanned
    if (header !== undefined && storeId !== undefined && !header.storeId.equals(storeId)) throw foreign(settings, id)
    const before = whole.at(-1)
    const { action, name } = recoveryCase(factsOf(scanned, i === ids.length - 1, before && endOf(before)))
    if (action === 'refuse') throw refusal(settings, scanned, name, FROM_DAMAGE)
    if (action !== 'accept' && settings.mode === 'strict') throw refusal(settings, scanned, name, FROM_TORN_END)
    if (action === 'set aside') {
      corrupt.push({ segment: id, from: 0, to: scanned.size, why: name })
      return { storeId, whole, setAside: scanned, corrupt }
    }
    storeId ??= header!.storeId
    if (action === 'cut') corrupt.push({ segment: id, from: scanned.intactBytes, to: scanned.size, why: scanned.why })
    whole.push(scanned)
  }
  return { storeId, whole, setAside: undefined, corrupt }
}

function extentOf({ header, index }: ScannedSegment): SegmentExtent {
  const { firstSequence, createdAt } = header!
  return { firstSequence, lastSequence: index.lastSequence, createdAt }
}

async function scan(
  { fs, directory, readOnly }: RecoverySettings,
  id: number,
  progress: Progress,
  memory: ChunkMemory
): Promise<ScannedSegment> {
  const file = await fs.open(segmentPath(directory, id), 'read')
  try {
    for (let tries = 1; ; tries++) {
      try {
        const scanned = await scanSegment(file, id, bytes => progress.inSegment(bytes), memory)
        progress.segmentDone(await file.size(), scanned.records)
        return scanned
      } catch (error) {
        // Without a lock, another process may be writing to the segment. It may have sealed it, for instance, and cut off preallocated zeros.
        if (!(readOnly && error instanceof ShorterFile && tries < MAX_SCANS)) throw error
      }
    }
  } finally {
    await file.close()
  }
}

/** @param before the end of the segment before; undefined if this is the oldest one */
function factsOf(scanned: ScannedSegment, last: boolean, before: SegmentEnd | undefined): SegmentFacts {
  const { header, headerState, end, vouched } = scanned
  const fits =
    header === undefined ||
    before === undefined ||
    (header.previous.lastSequence === before.lastSequence &&
      header.previous.length === before.length &&
      header.previous.crc === before.crc)
  return { header: headerState, last, fits, end, vouched }
}

function endOf({ index, intactBytes, lastCrc }: ScannedSegment): SegmentEnd {
  return { lastSequence: index.lastSequence, length: intactBytes, crc: lastCrc }
}

function recovered({ id, header, intactBytes, sealed, index, snapshots }: ScannedSegment): RecoveredSegment {
  const { storeId, firstSequence } = header!
  // Without the seal: readers have no use for it, and it is cut off again if it cannot be put on stable storage.
  const to = sealed ? intactBytes - FRAME_HEADER_BYTES - SEAL_BYTES : intactBytes
  const runs = [{ from: SEGMENT_HEADER_BYTES, to }]
  return { id, seed: segmentSeed(storeId, id), firstSequence, runs, index, snapshots }
}

function tailOf(last: ScannedSegment | undefined, end: SegmentEnd = NO_SEGMENT_BEFORE): LogTail {
  const createdAt = last?.header!.createdAt ?? 0
  return { segment: last?.id ?? 0, end, createdAt, nextSequence: end.lastSequence + 1, synced: false }
}

const FROM_DAMAGE =
  "Restore the directory from a backup, or read what can be read with recovery: 'salvage' or `ckv wal --salvage`"

const FROM_TORN_END =
  "A crash leaves that: open it once with recovery: 'tail', which cuts it off and keeps it in a file"

function refusal(
  { directory }: RecoverySettings,
  { id, why }: ScannedSegment,
  name: string,
  remedy: string
): CompressedKvError {
  return corruption(`segment ${id} of the log in ${directory}: ${name}${why === '' ? '' : ` (${why})`}. ${remedy}`)
}

/** @param before the segments before the missing one. If none of them has records, an interrupted deletion may have left them */
function missing({ directory }: RecoverySettings, id: number, before: readonly ScannedSegment[]): CompressedKvError {
  const leftOver = before.map(segment => segmentPath(directory, segment.id)).join(' and ')
  const otherwise = before.every(holdsNothing)
    ? `, if older segments were being deleted, delete ${leftOver} too: no record is in it`
    : " read what can be read with recovery: 'salvage' or `ckv wal --salvage`"
  return corruption(
    `segment ${id} of the log in ${directory} is missing. Restore the directory from a backup, or${otherwise}`
  )
}

function holdsNothing({ sealed, size }: ScannedSegment): boolean {
  return sealed && size === SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + SEAL_BYTES
}

function foreign({ directory }: RecoverySettings, id: number): CompressedKvError {
  return corruption(
    `segment ${id} in ${directory} belongs to another store: give each store a directory of its own for its log. ` +
      'If the database of the other was destroyed, which leaves its log, delete the directory. If LevelDB has lost files: `ckv repair`'
  )
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}
