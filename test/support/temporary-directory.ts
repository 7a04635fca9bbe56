import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const made: string[] = []

/** A new empty directory, gone after the test file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'compressed-kv-'))
  made.push(directory)
  return directory
}

/** A suite leaves thousands of files, which a busy disk takes its time to remove. */
const REMOVAL_MS = 300_000

afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
}, REMOVAL_MS)
