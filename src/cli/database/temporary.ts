import { rmSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const made = new Set<string>()
let watching = false

/** So that nothing is left when the process ends at once. */
function removeAtExit(): void {
  if (watching) return
  watching = true
  process.once('exit', () => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true })
  })
}

/**
 * Lends a directory, and removes it.
 *
 * @param near it is made on the file system of this file or directory, if possible: hard links need that, and a system's own temporary
 *   directory may be in memory, too small for a copy of a large database
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
  return mkdtemp(join(dirname(resolve(near)), '.ckv-')).catch(() => mkdtemp(usual))
}

async function deviceOf(path: string): Promise<number> {
  return (await stat(path)).dev
}
