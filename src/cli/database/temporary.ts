import { rmSync } from 'node:fs'
import { mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const made = new Set<string>()
let watching = false

/** Removes at the end of the process the directories that are still lent then. */
function removeAtExit(): void {
  if (watching) return
  watching = true
  process.once('exit', () => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true })
  })
}

/**
 * Lends a temporary directory, and removes it.
 *
 * @param near a file or directory: the temporary one is made on the same file system if possible. Hard links need that, and the system's own
 *   directory for such files may be in memory, too small for a copy of a large database
 */
export async function withTemporaryDirectory<T>(
  near: string | undefined,
  use: (directory: string) => Promise<T>
): Promise<T> {
  removeAtExit()
  const directory = await make(near)
  made.add(directory)
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    made.delete(directory)
  }
}

async function make(near: string | undefined): Promise<string> {
  const usual = join(tmpdir(), 'ckv-')
  if (near === undefined || (await deviceOf(near)) === (await deviceOf(tmpdir()))) return mkdtemp(usual)
  // Beside a link there may be yet another file system.
  return mkdtemp(join(dirname(await realpath(near)), '.ckv-')).catch(() => mkdtemp(usual))
}

async function deviceOf(path: string): Promise<number> {
  return (await stat(path)).dev
}
