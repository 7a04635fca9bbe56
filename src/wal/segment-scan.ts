import { CompressedKvError, corruption, whatIsCorrupt } from '../errors.js'
import type { File } from '../fs/file-system.js'
import { isAllocated, isAllZeros } from './allocation.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, readU64, SEGMENT_HEADER_BYTES, segmentSeed } from './format.js'
import { FrameIndex } from './frame-index.js'
import { FrameReader, type RestoredFrame } from './frame-reader.js'
import { ChunkMemory, FrameScanner } from './frame-scanner.js'
import { frameHeaders } from './frame-search.js'
import { readFully } from './read-fully.js'
import { checkRecords } from './record-cursor.js'
import { decodeSegmentHeader, type SegmentHeader } from './segment-header.js'
import { decodeSeal } from './seal.js'
import type { SegmentFacts } from './recovery-table.js'

/** What a segment turned out to hold. */
export interface ScannedSegment {
  readonly id: number
  /** Without preallocated zeros. */
  readonly size: number
  readonly header: SegmentHeader | undefined
  readonly headerState: SegmentFacts['header']
  readonly end: SegmentFacts['end']
  readonly vouched: boolean
  /** Where the intact frames end: `size`, if all of them are intact. */
  readonly intactBytes: number
  readonly why: string
  readonly sealed: boolean
  /** CRC of the header of the last intact frame, or of the segment. */
  readonly lastCrc: number
  readonly lastSequence: number
  readonly records: number
  readonly index: FrameIndex
  /** Snapshots that begin here, and the ends of snapshots, in order. */
  readonly snapshots: readonly SnapshotMark[]
}

export type SnapshotMark =
  /** `sequence` is that of the last record which the snapshot contains. */
  | { readonly type: 'begin'; readonly sequence: number; readonly offset: number }
  | { readonly type: 'end'; readonly offset: number }

/**
 * Reads a whole segment, decompresses and checks everything in it. Another process may be appending to it, where it is read without a lock.
 *
 * @throws ShorterFile where that process cut it meanwhile; other errors of the file system
 */
export async function scanSegment(
  file: File,
  id: number,
  onBytes: (bytes: number) => void = () => {},
  memory = new ChunkMemory()
): Promise<ScannedSegment> {
  let size = await file.size()
  const headerBytes = Buffer.alloc(Math.min(size, SEGMENT_HEADER_BYTES))
  await readFully(file, headerBytes, 0)
  const header = decodeSegmentHeader(headerBytes, id)
  if (header === undefined) return withoutHeader(file, id, size)

  const seed = segmentSeed(header.storeId, id)
  const index = new FrameIndex(header.firstSequence)
  const snapshots: SnapshotMark[] = []
  let records = 0
  let intactBytes = SEGMENT_HEADER_BYTES
  let lastCrc = header.crc
  let why = ''
  let end: SegmentFacts['end'] = 'unsealed'
  let sealed = false
  let vouched = false
  const readFromHere = () => {
    const here = { offset: intactBytes, previousCrc: lastCrc, sequence: index.lastSequence + 1 }
    const scanner = new FrameScanner(file, seed, here, size, memory)
    return { scanner, frames: new FrameReader(scanner, { transient: true }) }
  }
  let { scanner, frames } = readFromHere()
  /** Where bytes that are no frame were last read once more. */
  let readAgainAt = 0
  for (;;) {
    let found: Awaited<ReturnType<FrameReader['next']>>
    try {
      found = await frames.next()
      if (found !== undefined && !('badAt' in found)) check(found, records, index.lastSequence)
    } catch (error) {
      if (!(error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION')) throw error
      end = 'undecodable'
      why = whatIsCorrupt(error)
      break
    }
    if (found === undefined) {
      if (sealed) end = 'sealed'
      break
    }
    if ('badAt' in found || sealed) {
      if (await isAllocated(file, intactBytes, size)) {
        end = sealed ? 'sealed' : 'unsealed'
        size = intactBytes
        break
      }
      if (readAgainAt < intactBytes) {
        // Another process may have written them since they were read, and then what vouches for them: that is looked for first.
        vouched = await isVouchedFor(file, seed, intactBytes, size)
        readAgainAt = intactBytes
        ;({ scanner, frames } = readFromHere())
        continue
      }
      end = 'bad frame'
      why = 'badAt' in found ? found.why : 'it lies behind the seal'
      break
    }
    const { header: frame, offset } = found.frame
    if (frame.type === FRAME_TYPE.data) {
      index.add(offset, frame.firstSequence, frame.count)
      records += frame.count
    } else if (frame.type === FRAME_TYPE.snapshotBegin) {
      snapshots.push({ type: 'begin', sequence: readU64(found.payload, 0), offset })
    } else if (frame.type === FRAME_TYPE.snapshotEnd) {
      snapshots.push({ type: 'end', offset })
    } else if (frame.type === FRAME_TYPE.seal) sealed = true
    intactBytes = offset + FRAME_HEADER_BYTES + frame.storedLength
    lastCrc = frame.crc
    onBytes(intactBytes)
  }
  scanner.end()
  return {
    id,
    size,
    header,
    headerState: 'sound',
    end,
    vouched: end === 'bad frame' && vouched,
    intactBytes,
    why,
    sealed,
    lastCrc,
    lastSequence: index.lastSequence,
    records,
    index,
    snapshots
  }
}

/** @throws LEVEL_CORRUPTION */
function check({ frame, payload }: RestoredFrame, records: number, lastSequence: number): void {
  const { header } = frame
  if (header.type === FRAME_TYPE.data || header.type === FRAME_TYPE.snapshotData) checkRecords(payload, header.count)
  if (header.type !== FRAME_TYPE.seal) return
  const seal = decodeSeal(payload)
  if (seal.records !== records || seal.lastSequence !== lastSequence)
    throw corruption('its seal does not count its records')
}

async function withoutHeader(file: File, id: number, size: number): Promise<ScannedSegment> {
  const torn = size <= SEGMENT_HEADER_BYTES || (await isAllZeros(file, 0, size))
  return {
    id,
    size,
    header: undefined,
    headerState: torn ? 'torn' : 'bad',
    end: 'unsealed',
    vouched: false,
    intactBytes: 0,
    why: torn ? 'the header was never written whole' : 'the header is damaged',
    sealed: false,
    lastCrc: 0,
    lastSequence: 0,
    records: 0,
    index: new FrameIndex(1),
    snapshots: []
  }
}

/** Whether an intact frame behind bad bytes says that there were good ones, on stable storage. */
async function isVouchedFor(file: File, seed: number, badAt: number, size: number): Promise<boolean> {
  for await (const { header } of frameHeaders(file, seed, badAt + 1, size)) {
    if (header.syncedOffset > badAt || header.type === FRAME_TYPE.seal) return true
  }
  return false
}
