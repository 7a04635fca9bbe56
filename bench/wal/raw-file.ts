import { closeSync, fdatasync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'

const sync = promisify(fdatasync)

/** A file that grows by bare writes on the calling thread: no log on this disk can be faster. */
interface RawFile {
  write(bytes: Uint8Array): void
  /** fdatasync, on another thread. */
  sync(): Promise<void>
}

export async function inRawFile<T>(work: (file: RawFile) => Promise<T>): Promise<T> {
  return inTemporaryDirectory(async directory => {
    const descriptor = openSync(join(directory, 'raw'), 'wx')
    let at = 0
    try {
      return await work({
        write: bytes => {
          for (let done = 0; done < bytes.length;) {
            done += writeSync(descriptor, bytes, done, bytes.length - done, at + done)
          }
          at += bytes.length
        },
        sync: () => sync(descriptor)
      })
    } finally {
      closeSync(descriptor)
    }
  })
}

/** How many bytes one bare write has. */
const WRITE_BYTES = 1024 * 1024

/** How many milliseconds it takes to write `bytes` bytes in large writes, from a source that is repeated, and to sync them if that is wanted. */
export async function rawWriteTime(source: Buffer, bytes: number, atEnd: 'fdatasync' | 'nothing'): Promise<number> {
  return inRawFile(async file => {
    const start = performance.now()
    for (let written = 0; written < bytes;) {
      const from = written % source.length
      const to = Math.min(from + Math.min(WRITE_BYTES, bytes - written), source.length)
      file.write(source.subarray(from, to))
      written += to - from
    }
    if (atEnd === 'fdatasync') await file.sync()
    return performance.now() - start
  })
}

const READ_BYTES = 256 * 1024

/** How many milliseconds it takes to read all files of a directory from end to end, and how many bytes they have. */
export function rawReadTime(directory: string): { readonly ms: number; readonly bytes: number } {
  const into = Buffer.allocUnsafeSlow(READ_BYTES)
  const start = performance.now()
  let bytes = 0
  for (const name of readdirSync(directory)) {
    const descriptor = openSync(join(directory, name), 'r')
    for (let read = -1; read !== 0; bytes += read) read = readSync(descriptor, into, 0, into.length, null)
    closeSync(descriptor)
  }
  return { ms: performance.now() - start, bytes }
}
