import type { File } from '../../fs/file-system.js'

/** Up to this many bytes are written on the calling thread: that takes about 40 µs, while a trip to another thread alone takes 50. */
const SYNC_WRITE_BYTES = 128 * 1024

const MAX_INTERRUPTIONS = 100

/** Writes all bytes, even if the system takes only some of them at a time. */
export async function writeAll(file: File, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done)
    const at = position + done
    const written = rest.length <= SYNC_WRITE_BYTES ? writeNow(file, rest, at) : await file.write(rest, at)
    if (written <= 0) throw new Error('The file system writes nothing, and gives no reason')
    done += written
  }
}

/** Writes on the calling thread; tries again if a signal interrupts that before the first byte. */
function writeNow(file: File, bytes: Uint8Array, position: number): number {
  for (let tries = 0; ; tries++) {
    try {
      return file.writeSync(bytes, position)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR' || tries === MAX_INTERRUPTIONS) throw error
    }
  }
}
