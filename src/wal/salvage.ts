import { CompressedKvError, corruption, whatIsCorrupt } from '../errors.js'
import type { File } from '../fs/file-system.js'
import { isAllocated } from './allocation.js'
import { recordOf, type Unseal } from './decoded-frame.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, readU64, SEGMENT_HEADER_BYTES, segmentSeed } from './format.js'
import { FrameIndex } from './frame-index.js'
import { FrameReader, type RestoredFrame } from './frame-reader.js'
import { FrameScanner } from './frame-scanner.js'
import { readFully } from './read-fully.js'
import type { CorruptRange, RecoveredLog, RecoveredSegment, RecoverySettings, Run } from './recovery.js'
import { progressOf } from './recovery-progress.js'
import { checkRecords, RecordCursor } from './record-cursor.js'
import { SalvagedRecords } from './salvaged-records.js'
import { segmentIds, segmentPath } from './segment-files.js'
import { decodeSegmentHeader, NO_SEGMENT_BEFORE, type SegmentHeader } from './segment-header.js'
import { frameHeaders } from './frame-search.js'

export interface SalvageSettings extends Omit<RecoverySettings, 'mode'> {
  readonly unseal: Unseal
}

/**
 * Finds whatever frames of a log are intact, wherever they are, and changes nothing.
 *
 * @throws LEVEL_CORRUPTION if no segment has an intact header, since nothing can be checked then
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
  for (const id of ids) {
    const into = { unseal: settings.unseal, salvaged, corrupt, unreadable }
    const found = await withSegment(settings, id, file => salvageSegment(file, id, storeId!, into))
    progress.segmentDone(found.bytes, found.records)
    if (found.segment !== undefined) segments.push(found.segment)
  }
  const lastSequence = segments.at(-1)?.index.lastSequence ?? 0
  const { count, snapshots } = salvaged
  // Without snapshots reading such a record is an error, and the reader can go on with the next by its number.
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

/** That of most segments: one of another store may have got among them. */
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
    `no segment of the log in ${settings.directory} has an intact header, so nothing in it can be checked`
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
  const bytes = Buffer.alloc(Math.min(await file.size(), SEGMENT_HEADER_BYTES))
  await readFully(file, bytes, 0)
  return decodeSegmentHeader(bytes, id)
}

interface Findings {
  readonly unseal: Unseal
  readonly salvaged: SalvagedRecords
  readonly corrupt: CorruptRange[]
  /** Frames that are intact, with records whose envelopes are not. */
  readonly unreadable: CorruptRange[]
}

async function salvageSegment(
  file: File,
  id: number,
  storeId: Buffer,
  { unseal, salvaged, corrupt, unreadable }: Findings
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
    let first = true
    const run = await intactRun(file, seed, at, size, async ({ frame, payload }) => {
      const {
        offset,
        header: { type, firstSequence, count, storedLength }
      } = frame
      if (type === FRAME_TYPE.seal) return
      const snapshot = type === FRAME_TYPE.snapshotBegin ? readU64(payload, 0) : undefined
      if (Number.isNaN(snapshot)) throw corruption('a sequence number that cannot be')
      index ??= new FrameIndex(firstSequence)
      if (snapshot !== undefined) return salvaged.begin({ segment: id, offset }, snapshot)
      if (type === FRAME_TYPE.snapshotEnd) return salvaged.end(readU64(payload, 0))
      const { indexes, why } = await unreadableRecords(payload, unseal)
      const readable = count - indexes.size
      if (readable < count) {
        const to = offset + FRAME_HEADER_BYTES + storedLength
        unreadable.push({
          segment: id,
          from: offset,
          to,
          why: `${indexes.size} of its ${count} records cannot be read: ${why}`
        })
      }
      records += readable
      if (type === FRAME_TYPE.snapshotData) return salvaged.addOfSnapshot({ segment: id, offset }, readable)
      for (let i = 0; i < count; i++) salvaged.add(firstSequence + i, !indexes.has(i))
      index.add(offset, firstSequence, count, first)
      first = false
    })
    if (run.to > at) runs.push({ from: at, to: run.to })
    if (run.why === undefined || (await isAllocated(file, run.to, size))) break
    at = await nextFrame(file, seed, run.to + 1, size)
    skip(run.to, at, run.why)
  }
  if (index === undefined) return { segment: undefined, records, bytes: size }
  const { firstSequence } = index
  return { segment: { id, seed, firstSequence, runs, index, snapshots: [] }, records, bytes: size }
}

/** Indexes of the records whose envelopes cannot be opened, and why the last of them cannot. */
async function unreadableRecords(payload: Buffer, unseal: Unseal): Promise<{ indexes: Set<number>; why: string }> {
  const indexes = new Set<number>()
  let why = ''
  const records = new RecordCursor(payload)
  for (let i = 0; records.next(); i++) {
    if (!records.sealed) continue
    try {
      await recordOf(records, records.key, records.value, 0, unseal)
    } catch (error) {
      if (!(error instanceof CompressedKvError)) throw error
      indexes.add(i)
      why = whatIsCorrupt(error)
    }
  }
  return { indexes, why }
}

interface IntactRun {
  readonly to: number
  /** Why it ends before the end of the file. */
  readonly why: string | undefined
}

/** Frames from a place on that are intact, one behind the other. */
async function intactRun(
  file: File,
  seed: number,
  from: number,
  size: number,
  onFrame: (found: RestoredFrame) => Promise<void>
): Promise<IntactRun> {
  const start = { offset: from, previousCrc: undefined, sequence: undefined }
  const frames = new FrameReader(new FrameScanner(file, seed, start, size), { transient: true })
  let to = from
  for (;;) {
    try {
      const found = await frames.next()
      if (found === undefined) return { to, why: undefined }
      if ('badAt' in found) return { to, why: found.why }
      const { offset, header } = found.frame
      if (header.type !== FRAME_TYPE.seal && !Number.isSafeInteger(header.firstSequence)) {
        throw corruption('a sequence number that cannot be')
      }
      if (header.type === FRAME_TYPE.data || header.type === FRAME_TYPE.snapshotData) {
        checkRecords(found.payload, header.count)
      }
      await onFrame(found)
      to = offset + FRAME_HEADER_BYTES + header.storedLength
    } catch (error) {
      if (!(error instanceof CompressedKvError)) throw error
      return { to, why: whatIsCorrupt(error) }
    }
  }
}

/** Where the next frame begins that looks intact, or the end of the file. */
async function nextFrame(file: File, seed: number, from: number, size: number): Promise<number> {
  for await (const { at } of frameHeaders(file, seed, from, size)) return at
  return size
}
