import type { File } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_MAGIC, frameSeed } from '../format/format.js'
import { decodeFrameHeader, type FrameHeader } from '../format/frame-header.js'
import { pieces } from '../segments/read-fully.js'

const MAGIC_BYTES = Buffer.alloc(4)
MAGIC_BYTES.writeUInt32LE(FRAME_MAGIC, 0)

/** How much is read at first. If frames are damaged one by one, the next intact one is near. */
const FIRST_BYTES = 4096

/** Intact frame headers at any offset in `[from, to)`, whatever lies between them. */
export async function* frameHeaders(
  file: File,
  seed: number,
  from: number,
  to: number
): AsyncGenerator<{ readonly at: number; readonly header: FrameHeader }> {
  for await (const { bytes, at } of pieces(file, from, to, FRAME_HEADER_BYTES - 1, FIRST_BYTES)) {
    for (let i = bytes.indexOf(MAGIC_BYTES); i >= 0; i = bytes.indexOf(MAGIC_BYTES, i + 1)) {
      const header = decodeFrameHeader(bytes.subarray(i), frameSeed(seed, at + i))
      if (header !== undefined) yield { at: at + i, header }
    }
  }
}
