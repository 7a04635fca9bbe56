import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'

/** What the demo calls: a plain database has it, and a store as well. */
export interface Database {
  open(): Promise<void>
  close(): Promise<void>
  put(key: string, value: Buffer): Promise<void>
  get(key: string): Promise<Buffer | undefined>
  compactRange(start: string, end: string): Promise<void>
}

/** One way to keep the same documents on disk. */
export interface Contender {
  readonly name: string
  readonly open: (location: string) => Promise<Database>
}

/** Puts and gets under way at once, as in a server with that many requests. */
export const IN_FLIGHT = 256

/** LevelDB with its own block compression, Snappy. It is the backend of the others as well, with Snappy left on. */
const SNAPPY: Contender = { name: 'Snappy', open: async location => opened(plainLevel(location)) }

/** All of them, the plain database first. */
export const CONTENDERS: readonly Contender[] = [
  SNAPPY,
  { name: 'none', open: location => openStore(location, 'none') },
  { name: 'LZ4', open: location => openStore(location, 'lz4') },
  { name: 'Zstd', open: location => openStore(location, 'zstd') }
]

export async function openStore(
  location: string,
  codec: 'none' | 'lz4' | 'zstd'
): Promise<CompressedKvStore<string, Buffer>> {
  return opened(new CompressedKvStore<string, Buffer>(plainLevel(location), { codec }))
}

/** `level` is classic-level in Node.js; its types leave out what browsers lack, such as compactRange. */
function plainLevel(location: string): Level<string, Buffer> & Database {
  return new Level<string, Buffer>(location, { valueEncoding: 'buffer' }) as Level<string, Buffer> & Database
}

/** Opens a database, so that a failure is reported here, and not by the first put. */
async function opened<T extends Database>(database: T): Promise<T> {
  await database.open()
  return database
}
