import { CompressedKvStore, type CompressedKvStoreOptions } from 'compressed-kv'
import { Level } from 'level'
import type { DocumentSet } from '../documents/document.js'
import { inFlight } from '../harness/in-flight.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { AS_BUFFERS, type Database } from '../store/contenders.js'

export const IN_FLIGHT = 256

export type Store = CompressedKvStore<string, Buffer>
export type StoreOptions = CompressedKvStoreOptions<string, Buffer>

export function bare(directory: string): Database {
  return new Level<string, Buffer>(directory, AS_BUFFERS)
}

export function storeOf(options: StoreOptions): (directory: string) => Store {
  return directory => new CompressedKvStore(new Level<string, Buffer>(directory, AS_BUFFERS), options)
}

/** Runs `work` with a new database, which is closed and deleted afterwards. */
export async function withDatabase<D extends Database, T>(
  create: (directory: string) => D,
  work: (db: D, directory: string) => Promise<T>
): Promise<T> {
  return inTemporaryDirectory(async directory => {
    const db = create(directory)
    await db.open()
    try {
      return await work(db, directory)
    } finally {
      await db.close()
    }
  })
}

export async function fill(db: Database, { documents }: DocumentSet): Promise<void> {
  await inFlight(documents.length, IN_FLIGHT, i => db.put(documents[i]!.key, documents[i]!.value))
}
