import { CompressedKvError, corruption, whatIsCorrupt } from '../../errors.js'
import type { File } from '../../fs/file-system.js'
import type { Unseal } from '../format/decoded-frame.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, SEGMENT_HEADER_BYTES, segmentSeed } from '../format/format.js'
import { decodeSegmentHeader, NO_SEGMENT_BEFORE, type SegmentHeader } from '../format/segment-header.js'
import { FrameReader, type RestoredFrame } from '../reading/frame-reader.js'
import { FrameScanner } from '../reading/frame-scanner.js'
import { frameHeaders } from '../reading/frame-search.js'
import { isAllocated } from '../segments/allocation.js'
import { readPiece } from '../segments/read-fully.js'
import type { RecoveredSegment } from '../segments/recovered-segment.js'
import { segmentIds, segmentPath } from '../segments/segment-files.js'
import { checkPayload, impossibleNumber } from './intact-frames.js'
import type { CorruptRange, RecoveredLog } from './recovered-log.js'
import { progressOf } from './recovery-progress.js'
import type { RecoverySettings } from './recovery.js'
import { gapsBefore, type Reach } from './salvage-gaps.js'
import { SalvagedRecords } from './salvaged-records.js'
import { type Findings, SalvagedSegment } from './salvaged-segment.js'

interface SalvageSettings extends Pick<RecoverySettings, 'fs' | 'directory' | 'storeId' | 'onProgress'> {
  readonly unseal: Unseal
}

/**
 * Finds all intact frames of a log, wherever they are, and changes nothing.
 *
 * @throws LEVEL_CORRUPTION if no segment has an intact header: then nothing can be checked
 */
export async function salvageLog(settings: SalvageSettings): Promise<RecoveredLog> {
  const { fs, directory } = settings
  const ids = segmentIds(await fs.list(directory))
  const progress = await progressOf(settings, ids)
  const storeId = settings.storeId ?? (await storeIdOfMost(settings, ids))
  const segments: RecoveredSegment[] = []
  const corrupt: CorruptRange[] = []
  const unreadable: CorruptRange[] = []
  const salvaged = new SalvagedRecords()
  let before: Reach | undefined
  for (const id of ids) {
    const into = { unseal: settings.unseal, salvaged, corrupt, unreadable, before }
    const found = await withSegment(settings, id, file => salvageSegment(file, id, storeId!, into))
    before = { id, end: found.end }
    progress.segmentDone(found.bytes, found.records)
    if (found.segment !== undefined) segments.push(found.segment)
  }
  const lastSequence = segments.at(-1)?.index.lastSequence ?? 0
  const { count, snapshots } = salvaged
  // Without snapshots, unreadable records are not skipped: reading one is an error, after which the reader can go on with the next number.
  const skipped = snapshots === undefined ? corrupt : [...corrupt, ...unreadable]
  return {
    storeId,
    segments,
    tail: {
      segment: ids.at(-1) ?? 0,
      createdAt: 0,
      end: { ...NO_SEGMENT_BEFORE, lastSequence },
      nextSequence: lastSequence + 1,
      synced: false
    },
    report: { records: count, segments: segments.length, bytesTruncated: 0, corruption: skipped },
    snapshots
  }
}

/** The store id that most segments have: segments of another store may be among them. */
async function storeIdOfMost(settings: SalvageSettings, ids: readonly number[]): Promise<Buffer | undefined> {
  const found = new Map<string, { readonly storeId: Buffer; segments: number }>()
  for (const id of ids) {
    const header = await withSegment(settings, id, file => headerOf(file, id))
    if (header === undefined) continue
    const { storeId } = header
    const same = found.get(storeId.toString('hex'))
    if (same === undefined) found.set(storeId.toString('hex'), { storeId, segments: 1 })
    else same.segments++
  }
  const [most] = [...found.values()].sort((a, b) => b.segments - a.segments)
  if (most !== undefined || ids.length === 0) return most?.storeId
  throw corruption(
    `no segment of the log in ${settings.directory} has an intact header, so nothing in it can be checked: restore it from a backup`
  )
}

async function withSegment<T>(
  { fs, directory }: SalvageSettings,
  id: number,
  work: (file: File) => Promise<T>
): Promise<T> {
  const file = await fs.open(segmentPath(directory, id), 'read')
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

async function headerOf(file: File, id: number): Promise<SegmentHeader | undefined> {
  const length = Math.min(await file.size(), SEGMENT_HEADER_BYTES)
  return decodeSegmentHeader(await readPiece(file, 0, length), id)
}

/** Collects what is intact in a segment, and skips what is not. */
async function salvageSegment(
  file: File,
  id: number,
  storeId: Buffer,
  findings: Findings & { readonly before: Reach | undefined }
): Promise<{ segment: RecoveredSegment | undefined; records: number; bytes: number; end: number }> {
  const size = await file.size()
  const seed = segmentSeed(storeId, id)
  const header = await headerOf(file, id)
  const said = header?.storeId.equals(storeId) === true ? header.previous : undefined
  findings.corrupt.push(...gapsBefore(id, findings.before, said))
  const segment = new SalvagedSegment(id, seed, findings)
  let at = Math.min(size, SEGMENT_HEADER_BYTES)
  if (header === undefined) segment.skip(0, at, 'the header of the segment is damaged')
  // One scanner for all runs, of which there may be very many.
  const scanner = new FrameScanner(file, seed, { offset: at }, size)
  while (at < size) {
    scanner.goTo(at)
    const { to, why } = await intactRun(scanner, found => segment.add(found))
    segment.endRun(at, to)
    at = to
    if (why === undefined || (await isAllocated(file, to, size))) break
    at = await nextFrame(file, seed, to + 1, size)
    segment.skip(to, at, why)
  }
  return { segment: segment.recovered, records: segment.records, bytes: size, end: at }
}

interface IntactRun {
  readonly to: number
  /** Why it ends before the end of the file. */
  readonly why: string | undefined
}

/** Reads intact frames, from where the scanner is, as far as they follow one another. */
async function intactRun(scanner: FrameScanner, onFrame: (found: RestoredFrame) => Promise<void>): Promise<IntactRun> {
  const frames = new FrameReader(scanner, { transient: true })
  let to = scanner.offset
  for (;;) {
    try {
      const found = await frames.next()
      if (found === undefined) return { to, why: undefined }
      if ('badAt' in found) return { to, why: found.why }
      check(found)
      await onFrame(found)
      const { offset, header } = found.frame
      to = offset + FRAME_HEADER_BYTES + header.storedLength
    } catch (error) {
      if (!(error instanceof CompressedKvError)) throw error
      return { to, why: whatIsCorrupt(error) }
    }
  }
}

/** @throws LEVEL_CORRUPTION */
function check({ frame, payload }: RestoredFrame): void {
  const { type, firstSequence } = frame.header
  if (type !== FRAME_TYPE.seal && !Number.isSafeInteger(firstSequence)) throw impossibleNumber()
  checkPayload({ frame, payload })
}

/** Where the next frame with an intact header begins; the end of the file if there is none. */
async function nextFrame(file: File, seed: number, from: number, size: number): Promise<number> {
  for await (const { at } of frameHeaders(file, seed, from, size)) return at
  return size
}
