import type { File } from '../../fs/file-system.js'

/** The error of a file that has fewer bytes than when its size was asked for. */
export class ShorterFile extends Error {
  readonly code = 'EIO'

  constructor() {
    super('The file became shorter while it was read')
  }
}

/**
 * Fills `into` from the file.
 *
 * @throws ShorterFile
 */
export async function readFully(file: File, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const read = await file.read(into.subarray(done), position + done)
    if (read <= 0) throw new ShorterFile()
    done += read
  }
}

/** @throws as {@link readFully} */
export async function readPiece(file: File, at: number, length: number): Promise<Buffer> {
  const piece = Buffer.allocUnsafeSlow(length)
  await readFully(file, piece, at)
  return piece
}

const PIECE_BYTES = 1024 * 1024

/**
 * Pieces of a file, each beginning with the last `overlap` bytes of the one before.
 *
 * @param firstBytes length of the first piece; each is twice as long as the one before, up to a MiB
 */
export async function* pieces(
  file: File,
  from: number,
  to: number,
  overlap: number,
  firstBytes = PIECE_BYTES
): AsyncGenerator<{ bytes: Buffer; at: number }> {
  let length = firstBytes
  for (let at = from; at < to; at += length, length = Math.min(2 * length, PIECE_BYTES)) {
    const bytes = Buffer.allocUnsafe(Math.min(length + overlap, to - at))
    await readFully(file, bytes, at)
    yield { bytes, at }
  }
}
