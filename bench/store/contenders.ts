import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'

/** What the benchmarks call: a bare backend has it, and a store as well. */
export interface Database {
  open(): Promise<void>
  close(): Promise<void>
  put(key: string, value: Buffer): Promise<void>
  get(key: string): Promise<Buffer | undefined>
  readonly supports: { readonly additionalMethods: Readonly<Record<string, boolean>> }
  compactRange?(start: string, end: string): Promise<void>
}

/** A database to measure. Backends without files ignore the location. */
export interface Contender {
  readonly name: string
  create(location: string): Database
}

export const AS_BUFFERS = { valueEncoding: 'buffer' } as const

const classic = (location: string) => new Level<string, Buffer>(location, AS_BUFFERS)
const memory = () => new MemoryLevel<string, Buffer>(AS_BUFFERS)

/** LevelDB with its default options, and so with Snappy; in Node.js `level` is classic-level. */
export const BARE_CLASSIC: Contender = { name: 'bare', create: classic }

export const ZSTD_OVER_CLASSIC: Contender = {
  name: 'store zstd',
  create: location => new CompressedKvStore<string, Buffer>(classic(location), { wal: false, codec: 'zstd' })
}

export const OVER_CLASSIC: readonly Contender[] = [
  {
    name: 'store lz4',
    create: location => new CompressedKvStore<string, Buffer>(classic(location), { wal: false, codec: 'lz4' })
  },
  {
    name: 'lz4, minSize 1024',
    create: location =>
      new CompressedKvStore<string, Buffer>(classic(location), { wal: false, codec: 'lz4', minSize: 1024 })
  },
  ZSTD_OVER_CLASSIC
]

/** A store without options, as somebody has it who only wraps. */
export const DEFAULTS_OVER_CLASSIC: Contender = {
  name: 'store',
  create: location => new CompressedKvStore<string, Buffer>(classic(location))
}

export const BARE_MEMORY: Contender = { name: 'bare', create: memory }

export const OVER_MEMORY: readonly Contender[] = (['lz4', 'zstd'] as const).map(codec => ({
  name: `store ${codec}`,
  create: () => new CompressedKvStore<string, Buffer>(memory(), { codec })
}))

/** Makes a LevelDB database what it would be after a while: sorted, and without anything that was overwritten. */
export async function compact(database: Database): Promise<void> {
  if (database.supports.additionalMethods['compactRange'] === true) await database.compactRange!('', '\uffff')
}
