import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CompressedKvStore, inspect, type Inspection, type StoredEntry } from '../../index.js'
import { describe, Failure } from '../failure.js'
import type { Bar } from '../progress.js'
import { type Database, databaseAt } from './classic-level.js'
import { noteCopy } from './copied-paths.js'
import { copyDatabase } from './copy.js'
import { sizesOf } from './database-files.js'
import { assertDatabase, logDirectory } from './location.js'
import { withTemporaryDirectory } from './temporary.js'

/** An open copy of a database. LevelDB writes to a database when it opens it, and the one that is looked at must stay as it is to the byte. */
export interface Look {
  readonly database: Database
  readonly inspection: Inspection
  /** The marker as it was found, before the log was replayed. */
  readonly marker: Inspection['marker']
  readonly sizes: Awaited<ReturnType<typeof sizesOf>>
  /** What LevelDB left out of its own log, which is damaged: it opens the database all the same. */
  readonly dropped: string | undefined
}

interface LookOptions {
  /** Directory of the log, if it is not in that of the database. */
  readonly wal?: string | undefined
  /** Whether the log is replayed into the copy first, so that its entries are all that there are. */
  readonly settle: boolean
  /** Called with the error if the log is damaged or gone: the entries are those of the database alone then. Without this, the error is thrown. */
  readonly onDamagedLog?: (error: unknown) => void
}

/** Lends a {@link Look} at a database. @throws Failure if there is no database; errors of LevelDB and of the log */
export async function look<T>(
  location: string,
  { wal, settle, onDamagedLog }: LookOptions,
  use: (look: Look) => Promise<T>
): Promise<T> {
  await assertDatabase(location)
  return withTemporaryDirectory(location, async directory => {
    await copyDatabase(location, directory, wal)
    noteCopy(logDirectory(directory, undefined), logDirectory(location, wal))
    noteCopy(directory, location)
    const sizes = await sizesOf(directory, undefined)
    const database = await databaseAt(directory, false)
    try {
      const found = await inspect(database)
      assertMarkerNotLost(found, location)
      const { marker } = found
      const dropped = await droppedIn(directory, hasLog(marker, sizes))
      if (settle && hasLog(marker, sizes) && !marker?.unwrapping) {
        await replay(database).catch(error => {
          if (onDamagedLog === undefined || describe(error).code !== 'LEVEL_CORRUPTION') throw error
          onDamagedLog(error)
        })
      }
      return await use({ database, inspection: await inspect(database), marker, sizes, dropped })
    } finally {
      await database.close()
    }
  })
}

/** @throws Failure for a database without a marker, in which a store has written */
export function assertMarkerNotLost({ isMarkerLost }: Inspection, location: string): void {
  if (!isMarkerLost) return
  throw new Failure(
    `${location} has values that a store wrote, but not the store's marker, without which they cannot be read: run 'ckv repair ${location}', or restore a backup`
  )
}

/** What LevelDB dropped when it opened a database. It says so only in its diary, the file LOG. */
async function droppedIn(directory: string, isLogged: boolean): Promise<string | undefined> {
  const diary = await readFile(join(directory, 'LOG'), 'utf8')
  const [first] = diary.matchAll(/(\d+\.log): dropping \d+ bytes; (.*)/g)
  const remedy = isLogged ? "; if a power cut left it so, the store's own log has what is missing" : ''
  return (
    first &&
    `${first[1]}, a log of LevelDB's own, is damaged, and LevelDB drops what it cannot read of it: ${first[2]}${remedy}`
  )
}

/** Whether there is a log, or should be. One without a marker is that of another database. */
export function hasLog(marker: Look['marker'], { segments }: Look['sizes']): boolean {
  return segments.length > 0 || marker?.logDirty === true
}

/**
 * Replays the log into the copy, by opening a store.
 *
 * @throws what opening a store throws, as for a log that is damaged, or that of another database
 */
export async function replay(database: Database): Promise<void> {
  const store = new CompressedKvStore(database, { meter: false })
  await store.open()
  await store.close()
}

/** The entries of a database, in the order of keys. A progress bar follows them. @throws the signal's reason */
export async function* entriesOf(
  { database, inspection }: Pick<Look, 'database' | 'inspection'>,
  bar: Bar,
  signal: AbortSignal,
  range?: { readonly gte?: Buffer; readonly lt?: Buffer }
): AsyncGenerator<StoredEntry, void, undefined> {
  await bar.over(database)
  for await (const entry of inspection.entries(range)) {
    signal.throwIfAborted()
    yield entry
    await bar.at(entry.key)
  }
}
