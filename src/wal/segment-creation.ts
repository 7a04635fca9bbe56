import type { File, FileSystem } from '../fs/file-system.js'
import { readFully } from './read-all.js'
import { FRAME_HEADER_BYTES, SEAL_BYTES, SEGMENT_CRC_AT } from './format.js'
import { segmentPath } from './segment-files.js'
import { encodeSegmentHeader, type SegmentEnd, type SegmentHeader } from './segment-header.js'
import { writeAll } from './write-all.js'

/** What the log ends with. */
export interface LogTail {
  /** Id of the last segment, 0 if there never was one. */
  readonly segment: number
  readonly end: SegmentEnd
  /** Number of the next record, at least `end.lastSequence + 1`. */
  readonly nextSequence: number
  /** Whether the seal of the last segment is known to be on stable storage. */
  readonly synced: boolean
}

interface Place {
  readonly fs: FileSystem
  readonly directory: string
}

/**
 * Makes a segment with its header, on stable storage.
 *
 * @param onLeftOver called when it could neither be made whole nor removed
 * @returns its file, and the CRC of its header
 */
export async function createSegment(
  { fs, directory }: Place,
  header: Omit<SegmentHeader, 'crc'>,
  onLeftOver: (error: unknown) => never
): Promise<{ file: File; crc: number }> {
  const path = segmentPath(directory, header.id)
  const bytes = encodeSegmentHeader(header)
  const file = await fs.open(path, 'create')
  try {
    await writeAll(file, bytes, 0)
    await file.sync()
    await fs.syncDirectory(directory)
  } catch (error) {
    await file.close().catch(() => {})
    await fs.remove(path).catch(onLeftOver)
    throw error
  }
  return { file, crc: bytes.readUInt32LE(SEGMENT_CRC_AT) }
}

/**
 * Puts the seal of the last segment on stable storage, before another segment relies on it. Whoever wrote it may have been killed
 * before it was there, or may have failed to put it there: then the system shows it and takes it for written. So it is written again.
 *
 * @param onFailed called when it may not be there; after any other error nothing has changed, and it can be tried again
 */
export async function syncSeal(
  { fs, directory }: Place,
  { segment, end }: LogTail,
  onFailed: (error: unknown) => never
): Promise<void> {
  if (segment === 0) return
  const sealAt = end.length - FRAME_HEADER_BYTES - SEAL_BYTES
  const seal = Buffer.alloc(FRAME_HEADER_BYTES + SEAL_BYTES)
  const file = await fs.open(segmentPath(directory, segment), 'write')
  try {
    await readFully(file, seal, sealAt)
    try {
      await writeAll(file, seal, sealAt)
      await file.sync()
    } catch (error) {
      await unseal(file, sealAt)
      onFailed(error)
    }
  } finally {
    await file.close()
  }
}

/**
 * Takes a seal away that may not be on stable storage, though the system shows it: without it the next open copies the segment. Best
 * effort, since the disk fails already.
 */
export async function unseal(file: File, sealAt: number): Promise<void> {
  await file.truncate(sealAt).catch(() => {})
}
