import { CompressedKvError, corruption, whatIsCorrupt } from '../errors.js'
import type { File } from '../fs/file-system.js'
import { isAllocated } from './allocation.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, SEGMENT_HEADER_BYTES, segmentSeed } from './format.js'
import { FrameIndex } from './frame-index.js'
import { FrameReader } from './frame-reader.js'
import { FrameScanner } from './frame-scanner.js'
import { readFully } from './read-fully.js'
import type { CorruptRange, RecoveredLog, RecoveredSegment, RecoverySettings, Run } from './recovery.js'
import { progressOf } from './recovery-progress.js'
import { checkRecords } from './record-cursor.js'
import { segmentIds, segmentPath } from './segment-files.js'
import { decodeSegmentHeader, NO_SEGMENT_BEFORE, type SegmentHeader } from './segment-header.js'
import { frameHeaders } from './frame-search.js'

/**
 * Finds whatever frames of a log are intact, wherever they are, and changes nothing.
 *
 * @throws LEVEL_CORRUPTION if no segment has an intact header, since nothing can be checked then
 */
export async function salvageLog(settings: Omit<RecoverySettings, 'mode'>): Promise<RecoveredLog> {
  const { fs, directory } = settings
  const ids = segmentIds(await fs.list(directory))
  const progress = await progressOf(settings, ids)
  const storeId = settings.storeId ?? (await anyStoreId(settings, ids))
  const segments: RecoveredSegment[] = []
  const corrupt: CorruptRange[] = []
  let records = 0
  for (const id of ids) {
    const found = await withSegment(settings, id, file => salvageSegment(file, id, storeId!, corrupt))
    records += found.records
    progress.segmentDone(found.bytes, found.records)
    if (found.segment !== undefined) segments.push(found.segment)
  }
  const lastSequence = segments.at(-1)?.index.lastSequence ?? 0
  return {
    storeId,
    segments,
    tail: {
      segment: ids.at(-1) ?? 0,
      end: { ...NO_SEGMENT_BEFORE, lastSequence },
      nextSequence: lastSequence + 1,
      synced: false
    },
    report: { records, segments: segments.length, bytesTruncated: 0, corruption: corrupt }
  }
}

async function anyStoreId(
  settings: Omit<RecoverySettings, 'mode'>,
  ids: readonly number[]
): Promise<Buffer | undefined> {
  for (const id of ids) {
    const header = await withSegment(settings, id, file => headerOf(file, id))
    if (header !== undefined) return header.storeId
  }
  if (ids.length === 0) return undefined
  throw corruption(
    `no segment of the log in ${settings.directory} has an intact header, so nothing in it can be checked`
  )
}

async function withSegment<T>(
  { fs, directory }: Omit<RecoverySettings, 'mode'>,
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
  const bytes = Buffer.alloc(Math.min(await file.size(), SEGMENT_HEADER_BYTES))
  await readFully(file, bytes, 0)
  return decodeSegmentHeader(bytes, id)
}

async function salvageSegment(
  file: File,
  id: number,
  storeId: Buffer,
  corrupt: CorruptRange[]
): Promise<{ segment: RecoveredSegment | undefined; records: number; bytes: number }> {
  const size = await file.size()
  const header = await headerOf(file, id)
  const seed = segmentSeed(storeId, id)
  const runs: Run[] = []
  let index: FrameIndex | undefined
  let records = 0
  const skip = (from: number, to: number, why: string) => corrupt.push({ segment: id, from, to, why })
  let at = Math.min(size, SEGMENT_HEADER_BYTES)
  if (header === undefined) skip(0, at, 'the header of the segment is damaged')

  while (at < size) {
    const run = await intactRun(file, seed, at, size)
    for (const [i, frame] of run.frames.entries()) {
      index ??= new FrameIndex(frame.firstSequence)
      index.add(frame.offset, frame.firstSequence, frame.count, i === 0)
      records += frame.count
    }
    if (run.to > at) runs.push({ from: at, to: run.to })
    if (run.why === undefined || (await isAllocated(file, run.to, size))) break
    at = await nextFrame(file, seed, run.to + 1, size)
    skip(run.to, at, run.why)
  }
  if (index === undefined) return { segment: undefined, records, bytes: size }
  const { firstSequence } = index
  return { segment: { id, seed, firstSequence, runs, index, snapshots: [] }, records, bytes: size }
}

interface IntactRun {
  readonly to: number
  readonly frames: readonly { offset: number; firstSequence: number; count: number }[]
  /** Why it ends before the end of the file. */
  readonly why: string | undefined
}

/** Frames from a place on that are intact, one behind the other. */
async function intactRun(file: File, seed: number, from: number, size: number): Promise<IntactRun> {
  const start = { offset: from, previousCrc: undefined, sequence: undefined }
  const frames = new FrameReader(new FrameScanner(file, seed, start, size), { transient: true })
  const data: { offset: number; firstSequence: number; count: number }[] = []
  let to = from
  for (;;) {
    try {
      const found = await frames.next()
      if (found === undefined) return { to, frames: data, why: undefined }
      if ('badAt' in found) return { to, frames: data, why: found.why }
      const { offset, header } = found.frame
      if (header.type === FRAME_TYPE.data) {
        if (!Number.isSafeInteger(header.firstSequence)) throw corruption('a sequence number that cannot be')
        checkRecords(found.payload, header.count)
        data.push({ offset, firstSequence: header.firstSequence, count: header.count })
      }
      to = offset + FRAME_HEADER_BYTES + header.storedLength
    } catch (error) {
      if (!(error instanceof CompressedKvError)) throw error
      return { to, frames: data, why: whatIsCorrupt(error) }
    }
  }
}

/** Where the next frame begins that looks intact, or the end of the file. */
async function nextFrame(file: File, seed: number, from: number, size: number): Promise<number> {
  for await (const { at } of frameHeaders(file, seed, from, size)) return at
  return size
}
