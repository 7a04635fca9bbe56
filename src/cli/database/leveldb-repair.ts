import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, describe, Failure } from '../failure.js'
import { loadClassicLevel } from './classic-level.js'
import { filesOf } from './database-files.js'
import { LEVELDB_LOG, TABLE } from './location.js'

/** Where LevelDB's repair puts files that it does not need any more. */
export function lostDirectory(location: string): string {
  return join(location, 'lost')
}

/**
 * Rebuilds a LevelDB database from what its files hold.
 *
 * @throws LEVEL_LOCKED if it is open; Failure if something that could be read could not be written anew, as on a full disk; LevelDB's own errors. The
 *   files that hold it are kept
 */
export async function repairLevelDb(location: string): Promise<void> {
  const { ClassicLevel: Level } = await loadClassicLevel()
  // The repair takes no lock. This takes it, and always fails after that: if LevelDB opened the database, it might begin a compaction, and leave a table
  // unfinished.
  const locking = new Level(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing: false,
    errorIfExists: true
  })
  await locking.open().catch((error: unknown) => {
    if (describe(error).code === 'LEVEL_LOCKED') throw error
  })
  const logs = await filesOf({ from: location, files: LEVELDB_LOG })
  const tables = await filesOf({ from: location, files: TABLE })
  const failed = await Level.repair(location).then(
    () => undefined,
    (error: unknown) => ({ error })
  )
  const diary = await diaryOf(location)
  const unwrittenLogs = logs.filter(name => !isLogWritten(diary, name))
  const unwrittenTables = tables.filter(name => !isTableWritten(diary, name))
  const lost = lostDirectory(location)
  await move(unwrittenLogs, lost, location) // The repaired database has these logs read when it is opened.
  if (failed !== undefined) {
    await move(unwrittenTables, lost, location)
    throw failed.error
  }
  await move(unwrittenTables, location, lost) // Opening the repaired database would delete them.
  if (unwrittenLogs.length + unwrittenTables.length > 0)
    throw unwritten(location, diary, unwrittenLogs, unwrittenTables)
}

/** What LevelDB notes of a repair. It says nowhere else what it could not write. On a full disk the end may be missing. */
async function diaryOf(location: string): Promise<string> {
  try {
    return await readFile(join(location, 'LOG'), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}

function isLogWritten(diary: string, name: string): boolean {
  return new RegExp(`Log #${Number.parseInt(name)}: \\d+ ops saved to Table #\\d+ OK`).test(diary)
}

/** Also a table of which nothing can be read. */
function isTableWritten(diary: string, name: string): boolean {
  return new RegExp(`Table #${Number.parseInt(name)}: (\\d+ entries (OK|repaired)|0 entries |dropped)`).test(diary)
}

/** Moves files that are not where they are to be. */
async function move(names: readonly string[], from: string, to: string): Promise<void> {
  const there = await filesOf({ from: to, files: /./ })
  for (const name of names) if (!there.includes(name)) await rename(join(from, name), join(to, name))
}

function unwritten(location: string, diary: string, logs: readonly string[], tables: readonly string[]): Failure {
  const reason = /IO error: .*/.exec(diary)?.[0]
  const back = tables.length === 0 ? '' : `move ${tables.join(', ')} from ${lostDirectory(location)} back and `
  return new Failure(
    `LevelDB read ${[...logs, ...tables].join(', ')} but could not write the entries anew${reason ? ` (${reason})` : ''}: ` +
      `make room on the disk, then ${back}repair again`,
    'LEVEL_IO_ERROR'
  )
}
