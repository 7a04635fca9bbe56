import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, Failure, WrongUsage } from '../failure.js'

/** Where a store keeps its log, unless its options say otherwise. */
const LOG_DIRECTORY = 'ckv-wal'

/** A table. Once it is part of the database, LevelDB never changes it. */
export const TABLE = /^(\d+)\.(?:ldb|sst)$/
/** A write-ahead log of LevelDB itself. */
export const LEVELDB_LOG = /^\d+\.log$/
/** The files of a database, without LOCK and the diary LOG. */
export const DATABASE_FILE = /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp))$/
/** A segment of a log. */
export const SEGMENT_FILE = /^\d+\.wal$/

export function logDirectory(location: string, elsewhere: string | undefined): string {
  return elsewhere ?? join(location, LOG_DIRECTORY)
}

/** @throws Failure unless there is a LevelDB database */
export async function assertDatabase(location: string): Promise<void> {
  const names = await namesIn(location)
  if (names === undefined) throw new Failure(`${location} does not exist: check the path, or make it with 'ckv import'`)
  if (!names.includes('CURRENT')) {
    if (names.some(name => SEGMENT_FILE.test(name))) {
      throw new Failure(`${location} is a log alone, not a database: look at it with 'ckv wal ${location}'`)
    }
    throw new Failure(
      `${location} is not a LevelDB database (it has no file CURRENT): pass the directory of one. If it lost that file: 'ckv repair ${location}'`
    )
  }
  assertNotRocksDb(location, names)
}

/** @throws Failure if a new database would be mixed up with other files */
export async function assertDatabaseOrNew(location: string): Promise<void> {
  const names = await namesIn(location)
  if (names === undefined || names.length === 0) return
  if (names.includes('CURRENT')) return assertNotRocksDb(location, names)
  throw new Failure(`${location} holds files that are not a LevelDB database: pass another directory`)
}

/** @throws Failure unless there are files of a LevelDB database, though perhaps not all of them */
export async function assertRemains(location: string): Promise<void> {
  const names = await namesIn(location)
  if (names === undefined) throw new Failure(`${location} does not exist: check the path`)
  assertNotRocksDb(location, names)
  if (names.some(name => DATABASE_FILE.test(name))) return
  throw new Failure(`${location} has no files of a LevelDB database: pass the directory of one`)
}

/** RocksDB's files have the names of LevelDB's, but another format. Only RocksDB has a file of its options. */
function assertNotRocksDb(location: string, names: readonly string[]): void {
  if (!names.some(name => /^OPTIONS-\d+$/.test(name))) return
  throw new Failure(`${location} is a RocksDB database: pass the directory of a LevelDB one`)
}

/** The names of the files in a directory; undefined if there is no such directory. */
export async function namesIn(directory: string): Promise<string[] | undefined> {
  if (directory === '') throw new WrongUsage('A path is empty: pass that of a directory')
  try {
    return await readdir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'ENOTDIR') throw new Failure(`${directory} is a file: pass a directory`)
    throw error
  }
}
