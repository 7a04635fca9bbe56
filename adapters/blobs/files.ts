import { createHash, randomUUID } from 'node:crypto'
import { fsync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { nodeFileSystem } from 'compressed-kv'

const READ_BYTES = 512 * 1024

/** The bytes of a file in pieces, all in the same buffer: each piece is gone when the next is asked for. */
export async function* readFilePieces(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/**
 * Makes a file of pieces, all or nothing: it is written under another name beside it, and renamed when it is on stable storage.
 *
 * @param accept gets the SHA-256 of all pieces, in hexadecimal; if it throws, so does this, and there is no new file
 */
export async function replaceFile(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  accept: (sha256: string) => void
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  const file = await open(temporary, 'wx')
  try {
    const hash = createHash('sha256')
    try {
      for await (const piece of pieces) {
        const written = writeAll(file, piece)
        hash.update(piece)
        await written
      }
      accept(hash.digest('hex'))
      await promisify(fsync)(file.fd) // Under Yarn's Plug'n'Play a FileHandle has no sync().
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
  await nodeFileSystem.syncDirectory(dirname(path)) // So that the new name survives a power cut.
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, from)
    from += bytesWritten
  }
}
