import { CompressedKvStore, type CompressedKvStoreOptions, inspect } from '../../index.js'
import { Failure } from '../failure.js'
import { databaseAt } from './classic-level.js'
import { assertDatabase, assertDatabaseOrNew, namesIn } from './location.js'
import { assertMarkerNotLost } from './look.js'

export type Store = CompressedKvStore<Buffer, Buffer>

interface WritingOptions {
  readonly wal?: string | undefined
  /** Whether the database is made if it is not there. */
  readonly create: boolean
  /** Whether a database that never was wrapped is wrapped now: after that, programs that read it bare see envelopes. */
  readonly wrap?: boolean | undefined
  readonly store?: Pick<CompressedKvStoreOptions<Buffer, Buffer>, 'codec' | 'minSize'> | undefined
}

/**
 * Lends a store over the database itself, not over a copy.
 *
 * @throws Failure if there is no database, or one that was never wrapped; what opening a store throws
 */
export async function writeTo<T>(
  location: string,
  { wal, create, wrap, store: options }: WritingOptions,
  use: (store: Store) => Promise<T>
): Promise<T> {
  await (create ? assertDatabaseOrNew(location) : assertDatabase(location))
  if (wal !== undefined) await namesIn(wal) // Checked before the database is made: an impossible path would leave an empty one.
  const database = await databaseAt(location, create)
  try {
    const found = await inspect(database)
    assertMarkerNotLost(found, location)
    if (found.marker === undefined && !wrap && (await database.keys({ limit: 1 }).all()).length > 0)
      throw notWrapped(location)
    const store = new CompressedKvStore(database, { meter: false, ...options, ...(wal === undefined ? {} : { wal }) })
    await store.open()
    try {
      return await use(store)
    } finally {
      await store.close()
    }
  } finally {
    await database.close()
  }
}

function notWrapped(location: string): Failure {
  return new Failure(
    `${location} was never wrapped, and programs that open it bare could not read what is written now: ` +
      'pass --wrap to wrap it from now on'
  )
}
