import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where the databases go. */
interface Location {
  readonly directory: string
  readonly kept: boolean
  remove(): void
}

/**
 * The given directory, which is kept; else a temporary one, which is removed, also on Ctrl-C.
 *
 * @throws Error if there is anything in it already
 */
export function prepareLocation(given: string | undefined): Location {
  if (given !== undefined) {
    const directory = resolve(given)
    assertEmpty(directory)
    mkdirSync(directory, { recursive: true })
    return { directory, kept: true, remove: () => {} }
  }
  const directory = mkdtempSync(join(tmpdir(), 'compressed-kv-demo-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  process.once('SIGINT', () => {
    remove()
    process.exit(130)
  })
  return { directory, kept: false, remove }
}

function assertEmpty(directory: string): void {
  if (!existsSync(directory)) return
  if (!statSync(directory).isDirectory()) throw new Error(`--location: '${directory}' is not a directory`)
  if (readdirSync(directory).length > 0) {
    throw new Error(
      `--location: '${directory}' is not empty. Pass a new directory: the demo never touches files that are there`
    )
  }
}
