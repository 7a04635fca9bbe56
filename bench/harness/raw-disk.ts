import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { megabytesPerSecond } from './number-text.js'
import { inTemporaryDirectory } from './temporary-directory.js'

const BYTES = 32 * 1024 * 1024

/** MB/s at which one large file is written into the page cache, without fsync: no database on this disk can be faster. */
export async function rawDiskRate(): Promise<number> {
  return inTemporaryDirectory(async directory => {
    const bytes = Buffer.alloc(BYTES, 'raw disk')
    const start = performance.now()
    await writeFile(join(directory, 'raw'), bytes)
    return megabytesPerSecond(BYTES, performance.now() - start)
  })
}
