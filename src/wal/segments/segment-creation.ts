import type { File } from '../../fs/file-system.js'
import { SEGMENT_CRC_AT } from '../format/format.js'
import { encodeSegmentHeader, type SegmentHeader } from '../format/segment-header.js'
import { type LogDirectory, segmentPath } from './segment-files.js'
import { writeAll } from './write-all.js'

/**
 * Creates a segment that has only its header, and puts it on stable storage.
 *
 * @param onLeftOver called if the segment could not be written, and then could not be removed either
 * @returns its file, and the CRC of its header
 */
export async function createSegment(
  { fs, directory }: LogDirectory,
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
