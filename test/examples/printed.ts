import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** Runs an example: what it returned and printed, and what it left behind in its directory for temporary files. */
export async function printedBy<T>(main: () => Promise<T>): Promise<{ result: T; lines: string[]; left: string[] }> {
  const temporary = join(temporaryDirectory(), 'tmp')
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  try {
    const result = await main()
    return { result, lines: log.mock.calls.map(([line]) => String(line)), left: readdirSync(temporary) }
  } finally {
    log.mockRestore()
    vi.unstubAllEnvs()
  }
}
