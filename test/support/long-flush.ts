import { vi } from 'vitest'
import type { CrashableFileSystem } from './crashable-file-system.js'
import type { FaultyFileSystem } from './faulty-file-system.js'
import { logOn, openLogged, type Store } from './logged-store.js'
import type { PermanentMemoryLevel } from './permanent-memory-level.js'
import { documents } from './small-documents.js'

/** So many entries that a flush which takes a turn for each outlives closing its store and opening the next. */
export const TINY_VALUES = 3000

export const DICTIONARY = Buffer.concat(documents(40, 7))

/** Opens stores over one backend, one after another, that flush when they are told to. */
export function storesOver(
  backend: PermanentMemoryLevel,
  fs: CrashableFileSystem | FaultyFileSystem
): (dictionary: Buffer | false) => Promise<Store> {
  const wal = logOn(fs, { blockBytes: 65_536, segmentBytes: 1 << 24 })
  return dictionary => openLogged(wal, backend, { codec: 'zstd', dictionary, memtable: { flushIntervalMs: Infinity } })
}

export async function putTinyValues(store: Store, value: string): Promise<void> {
  await Promise.all(Array.from({ length: TINY_VALUES }, (_, i) => store.put(`k${i}`, Buffer.from(value))))
}

/** Whoever looks at the clock finds that a long time has gone by, and lets the event loop run: until `vi.restoreAllMocks()`. */
export function hurryClock(): void {
  let now = 1
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 100))
}
