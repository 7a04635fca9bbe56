import { constants } from 'node:fs'
import { copyFile, link, mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, Failure } from '../failure.js'
import { filesOf, type Source } from './database-files.js'
import { DATABASE_FILE, logDirectory, SEGMENT_FILE, TABLE } from './location.js'

/** LevelDB's own log. */
const LEVELDB_LOG = /^(\d+)\.log$/

const ATTEMPTS = 5

/**
 * Copies a database and its log as they are at one moment. Tables are hard-linked where that is possible, since opening the copy does not write to
 * them.
 *
 * @param to an empty directory
 * @param wal directory of the log, if it is not in that of the database; in the copy it always is
 * @throws Failure if the database keeps being written to
 */
export async function copyDatabase(from: string, to: string, wal: string | undefined): Promise<void> {
  const parts = [
    { from, to, files: DATABASE_FILE },
    { from: logDirectory(from, wal), to: logDirectory(to, undefined), files: SEGMENT_FILE }
  ]
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await Promise.all(parts.map(listed))
    if (await copied(parts)) {
      const after = await Promise.all(parts.map(listed))
      if (JSON.stringify(after) === JSON.stringify(before)) return
    }
    for (const { to: target } of parts) await rm(target, { recursive: true, force: true })
    await mkdir(to, { mode: 0o700 })
  }
  throw new Failure(`${from} is being written to: close the program that does so, or try again while it writes nothing`)
}

interface Part extends Source {
  readonly to: string
}

/** @returns whether every file was still there */
async function copied(parts: readonly Part[]): Promise<boolean> {
  try {
    for (const part of parts) await copyFiles(part)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

async function copyFiles(part: Part): Promise<void> {
  const names = await filesOf(part)
  if (names.length > 0) await mkdir(part.to, { recursive: true, mode: 0o700 })
  const newest = Math.max(-1, ...names.map(name => numberIn(name, LEVELDB_LOG) ?? -1))
  for (const name of names) {
    const [source, target] = [join(part.from, name), join(part.to, name)]
    // When the copy is opened, LevelDB makes tables with numbers above those of its logs, and overwrites files of the same name. A flush or a
    // compaction may have left such a file, or be about to add it to the database: through a link, the original would be overwritten.
    const isOld = (numberIn(name, TABLE) ?? Infinity) < newest
    if (!(isOld && (await linked(source, target)))) await copyFile(source, target, constants.COPYFILE_FICLONE)
  }
}

function numberIn(name: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Makes a hard link. @returns false if that is not possible: across file systems, on some shares, for files of other users */
async function linked(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target)
    return true
  } catch {
    return false // Perhaps the file is gone: then it cannot be copied either.
  }
}

/** Names, sizes and times of files: two such lists differ if anything was written in between. */
async function listed(part: Source): Promise<string[]> {
  const names = await filesOf(part)
  return Promise.all(
    names.map(async name => {
      const { size, mtimeNs } = await stat(join(part.from, name), { bigint: true }).catch(() => ({
        size: 0,
        mtimeNs: 0
      }))
      return `${name} ${size} ${mtimeNs}`
    })
  )
}
