import type { File } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed } from '../format/format.js'
import { decodeFrameHeader } from '../format/frame-header.js'
import { damagedFrame } from '../format/position.js'
import { FrameIndex } from '../segments/frame-index.js'
import { readPiece } from '../segments/read-fully.js'
import type { Segment, Segments } from '../segments/segments.js'

/** How much is read at once: an uncompressed frame of 64 KiB with its header, which is more than lies between two entries of an index. */
export const READ_BYTES = 64 * 1024 + FRAME_HEADER_BYTES

/** Makes the index of a segment again, from the headers of its frames. Payloads are read only as far as they lie in one piece with a header. */
export async function rebuildIndex(segments: Segments, file: File, segment: Segment): Promise<FrameIndex> {
  const index = new FrameIndex(segment.firstSequence)
  for (const { from, to } of segment.runs) {
    let chunk: Buffer = Buffer.alloc(0)
    let chunkAt = from
    let first = true
    for (let at = from; at < to;) {
      if (at - chunkAt + FRAME_HEADER_BYTES > chunk.length) {
        chunk = await readPiece(file, at, Math.min(READ_BYTES, to - at))
        chunkAt = at
      }
      const header = decodeFrameHeader(chunk.subarray(at - chunkAt), frameSeed(segment.seed, at))
      if (header === undefined) throw damagedFrame(segment.id, at)
      if (header.type === FRAME_TYPE.data) {
        index.add(at, header.firstSequence, header.count, first)
        first = false
      }
      at += FRAME_HEADER_BYTES + header.storedLength
    }
  }
  segments.keepIndex(segment.id, index)
  return index
}
