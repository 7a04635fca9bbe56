import type { Database, Entry } from './contender.js'

/** The part of an abstract-level database that is used: bare backends and stores have it, but their classes are not assignable to each other. */
interface LevelDatabase {
  open(): Promise<void>
  close(): Promise<void>
  put(key: string, value: Buffer, options?: { sync?: boolean }): Promise<void>
  batch(operations: { type: 'put'; key: string; value: Buffer }[]): Promise<void>
  get(key: string): Promise<Buffer | undefined>
  getSync(key: string): Buffer | undefined
  getMany(keys: string[]): Promise<(Buffer | undefined)[]>
  iterator(): AsyncIterable<[string, Buffer]>
  readonly supports: { readonly additionalMethods: Readonly<Record<string, boolean>> }
  compactRange?(start: string, end: string): Promise<void>
  flush?(): Promise<void>
}

/** @param durable whether the database does something for `sync: true` */
export async function openLevel(level: LevelDatabase, durable: boolean): Promise<Database<Buffer>> {
  await level.open()
  return {
    put: (key, value) => level.put(key, value),
    ...(durable ? { putDurably: (key: string, value: Buffer) => level.put(key, value, { sync: true }) } : {}),
    batch: entries => level.batch(entries.map(operation)),
    get: key => level.get(key),
    getSync: key => level.getSync(key),
    getMany: keys => level.getMany(keys),
    iterate: async () => {
      let entries = 0
      for await (const [key, value] of level.iterator()) if (key.length > 0 && value.length > 0) entries++
      return entries
    },
    ...(level.supports.additionalMethods['compactRange'] === true
      ? { compact: () => level.compactRange!('', '\uffff') }
      : {}),
    flush: async () => level.flush?.(),
    close: () => level.close()
  }
}

function operation({ key, value }: Entry<Buffer>) {
  return { type: 'put', key, value } as const
}
