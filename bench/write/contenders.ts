import { CompressedKvStore, type CompressedKvStoreOptions } from 'compressed-kv'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { AS_BUFFERS } from '../store/contenders.js'

/** What is called of a bare backend and of a store. memory-level ignores `sync`. */
export interface WriteDatabase {
  open(): Promise<void>
  close(): Promise<void>
  put(key: string, value: Buffer, options?: { sync?: boolean }): Promise<void>
  batch(operations: { type: 'put'; key: string; value: Buffer }[]): Promise<void>
  get(key: string): Promise<Buffer | undefined>
  getSync(key: string): Buffer | undefined
  iterator(): AsyncIterable<[string, Buffer]>
  readonly supports: { readonly additionalMethods: Readonly<Record<string, boolean>> }
  compactRange?(start: string, end: string): Promise<void>
  /** Only a store has it. */
  flush?(): Promise<void>
}

export type Backend = 'classic-level' | 'memory-level'
export const BACKENDS: readonly Backend[] = ['classic-level', 'memory-level']

export interface WriteContender {
  readonly name: string
  /** @param location also of memory-level's log */
  readonly create: (location: string) => WriteDatabase
}

type Options = CompressedKvStoreOptions<string, Buffer>

const OPEN: Readonly<Record<Backend, (location: string) => Level<string, Buffer> | MemoryLevel<string, Buffer>>> = {
  'classic-level': location => new Level<string, Buffer>(location, AS_BUFFERS),
  'memory-level': () => new MemoryLevel<string, Buffer>(AS_BUFFERS)
}

export function bare(backend: Backend): WriteContender {
  return { name: 'bare', create: OPEN[backend] }
}

/** A store over a backend; over memory-level with a log. */
export function store(name: string, backend: Backend, { wal, ...options }: Options = {}): WriteContender {
  return {
    name,
    create: location => {
      const log = typeof wal === 'object' ? wal : {}
      const database = OPEN[backend](location)
      return new CompressedKvStore<string, Buffer>(database, {
        ...options,
        wal: backend === 'classic-level' ? log : { ...log, dir: location }
      })
    }
  }
}

export const BARE = bare('classic-level')
/** A store without options, as somebody has it who only wraps. */
export const STORE = store('store', 'classic-level')
