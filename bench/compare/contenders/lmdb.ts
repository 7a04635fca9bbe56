import { mkdir } from 'node:fs/promises'
import type { RootDatabase } from 'lmdb'
import type { Contender, Database } from './contender.js'

const WITH_COMPRESSION = [
  { id: 'lmdb', label: 'lmdb', compression: false },
  { id: 'lmdb-lz4', label: 'lmdb, LZ4', compression: true }
] as const

/** lmdb-js with its defaults, except that values are stored as they are, not as MessagePack. */
export const LMDB: readonly Contender[] = WITH_COMPRESSION.map(({ id, label, compression }) => ({
  id,
  label,
  family: 'rival',
  putPromise: 'committed, but not synced yet: a power cut loses what was not synced',
  durablePut: 'put, then db.flushed',
  persistent: true,
  valuesAs: 'bytes',
  load: async () => {
    const { open } = await import('lmdb')
    return async path => adapt(open<Buffer, string>({ path, compression, encoding: 'binary' }))
  }
}))

function adapt(lmdb: RootDatabase<Buffer, string>): Database<Buffer> {
  return {
    put: (key, value) => lmdb.put(key, value),
    putDurably: async (key, value) => {
      await lmdb.put(key, value)
      await lmdb.flushed
    },
    batch: entries =>
      lmdb.batch(() => {
        for (const { key, value } of entries) void lmdb.put(key, value)
      }),
    get: async key => lmdb.get(key),
    getSync: key => lmdb.get(key),
    getMany: keys => lmdb.getMany(keys),
    iterate: async () => {
      let entries = 0
      for (const { key, value } of lmdb.getRange()) if (key.length > 0 && value.length > 0) entries++
      return entries
    },
    // LMDB never shrinks its file. Instead it can write a compacted copy.
    compact: async into => {
      await mkdir(into, { recursive: true })
      await lmdb.backup(into, true)
    },
    flush: async () => void (await lmdb.flushed),
    close: () => lmdb.close()
  }
}
