import { CompressedKvError, whatIsCorrupt } from '../../errors.js'
import type { File } from '../../fs/file-system.js'
import { FRAME_TYPE, SEGMENT_HEADER_BYTES, segmentSeed } from '../format/format.js'
import { decodeSegmentHeader, type SegmentHeader } from '../format/segment-header.js'
import { FrameReader } from '../reading/frame-reader.js'
import { type ChunkMemory, FrameScanner } from '../reading/frame-scanner.js'
import { frameHeaders } from '../reading/frame-search.js'
import { isAllocated, isAllZeros } from '../segments/allocation.js'
import { FrameIndex } from '../segments/frame-index.js'
import { readPiece } from '../segments/read-fully.js'
import type { SnapshotMark } from '../segments/recovered-segment.js'
import { IntactFrames } from './intact-frames.js'
import type { SegmentFacts } from './recovery-table.js'

/** What was found in a segment. */
export interface ScannedSegment {
  readonly id: number
  /** Size of the file without preallocated zeros. */
  readonly size: number
  readonly header: SegmentHeader | undefined
  readonly headerState: SegmentFacts['header']
  readonly end: SegmentFacts['end']
  readonly vouched: boolean
  /** Where the intact frames end; equal to `size` if there is nothing else. */
  readonly intactBytes: number
  readonly why: string
  readonly sealed: boolean
  /** CRC of the header of the last intact frame, or of the segment. */
  readonly lastCrc: number
  readonly records: number
  readonly index: FrameIndex
  /** Snapshots that begin here, and the ends of snapshots, in order. */
  readonly snapshots: readonly SnapshotMark[]
}

/**
 * Reads a whole segment, and decompresses and checks everything in it. If it is read without a lock, another process may be appending to it.
 *
 * @throws ShorterFile if that process has cut something off meanwhile; other errors of the file system
 */
export async function scanSegment(
  file: File,
  id: number,
  onBytes: (bytes: number) => void,
  memory: ChunkMemory
): Promise<ScannedSegment> {
  const size = await file.size()
  const header = decodeSegmentHeader(await readPiece(file, 0, Math.min(size, SEGMENT_HEADER_BYTES)), id)
  if (header === undefined) return withoutHeader(file, id, size)

  const intact = new IntactFrames(header)
  const seed = segmentSeed(header.storeId, id)
  const ending = await readToEnd({ file, seed, size, memory, onBytes }, intact)
  const { end, sealed, lastCrc, records, index, snapshots } = intact
  return {
    id,
    header,
    headerState: 'sound',
    ...ending,
    intactBytes: end,
    sealed,
    lastCrc,
    records,
    index,
    snapshots
  }
}

interface Source {
  readonly file: File
  /** See `segmentSeed`. */
  readonly seed: number
  readonly size: number
  readonly memory: ChunkMemory
  readonly onBytes: (bytes: number) => void
}

/** How the frames of a segment end. */
type Ending = Pick<ScannedSegment, 'size' | 'end' | 'why' | 'vouched'>

/** Reads the frames as far as they are intact, and finds out what comes after them. */
async function readToEnd(source: Source, intact: IntactFrames): Promise<Ending> {
  const { file, seed, size } = source
  let vouched = false
  /** The last offset at which bytes that are no frame were read a second time. */
  let readAgainAt = 0
  for (;;) {
    const stop = await readOn(source, intact)
    const whole = { end: intact.sealed ? 'sealed' : 'unsealed', why: '', vouched: false } as const
    if (stop === undefined) return { size, ...whole }
    if (stop.end === 'undecodable') return { size, ...stop, vouched: false }
    if (await isAllocated(file, intact.end, size)) return { size: intact.end, ...whole }
    if (readAgainAt === intact.end) return { size, ...stop, vouched }
    // They are read once more, since another process may have written frames there meanwhile. What vouches for them is looked for first: then the
    // bytes for which something vouches are there when they are read.
    vouched = await isVouchedFor(file, seed, intact.end, size)
    readAgainAt = intact.end
  }
}

/**
 * Reads frames from the end of the intact ones on, and adds them to these.
 *
 * @returns what ended the intact frames; undefined at the end of the file
 */
async function readOn(
  { file, seed, size, memory, onBytes }: Source,
  intact: IntactFrames
): Promise<{ end: 'bad frame' | 'undecodable'; why: string } | undefined> {
  const scanner = new FrameScanner(file, seed, intact.next, size, memory)
  const frames = new FrameReader(scanner, { transient: true })
  try {
    for (;;) {
      const found = await frames.next()
      if (found === undefined) return undefined
      if ('badAt' in found) return { end: 'bad frame', why: found.why }
      intact.check(found)
      if (intact.sealed) return { end: 'bad frame', why: 'it lies after the seal' }
      intact.add(found)
      onBytes(intact.end)
    }
  } catch (error) {
    if (!(error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION')) throw error
    return { end: 'undecodable', why: whatIsCorrupt(error) }
  } finally {
    scanner.end()
  }
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
    records: 0,
    index: new FrameIndex(1),
    snapshots: []
  }
}

/** Whether an intact frame after the bad bytes says that these were once on stable storage, or is the seal. */
async function isVouchedFor(file: File, seed: number, badAt: number, size: number): Promise<boolean> {
  for await (const { header } of frameHeaders(file, seed, badAt + 1, size)) {
    if (header.syncedOffset > badAt || header.type === FRAME_TYPE.seal) return true
  }
  return false
}
