import type { MemoryLevel } from 'memory-level'
import type { WalOptions } from '../../../src/index.js'
import { isReserved } from '../../../src/store/backend/reserved-keys.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { Gate } from '../../support/gate.js'
import { intercept, WRITES } from '../../support/intercept.js'
import { killed, logOn, memoryLevel, openLogged, type Store, type StoreOptions } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'

type Backend = MemoryLevel<string, Buffer> | PermanentMemoryLevel

/** Nothing is flushed because time went by. */
export const NEVER = { flushIntervalMs: Infinity } as const

/** What a small entry counts against `maxBytes` and `flushBytes`, beside its key and value. */
export const ENTRY_BYTES = 150

/** Of a log, for much data: without thousands of segments. */
export const LARGE = { blockBytes: 65_536, segmentBytes: 1 << 24 } as const

export const BACKENDS: Record<string, () => Backend> = {
  'memory-level': memoryLevel,
  'a permanent backend': () => new PermanentMemoryLevel()
}

export interface WriteBack {
  readonly store: Store
  readonly backend: Backend
  readonly fs: CrashableFileSystem
}

/** An open write-back store that flushes only when asked to or out of room, unless the options say otherwise. */
export async function openWriteBack(
  options: StoreOptions = {},
  backend: Backend = memoryLevel(),
  wal: WalOptions = {}
): Promise<WriteBack> {
  const fs = new CrashableFileSystem()
  const store = await openLogged(logOn(fs, wal), backend, { memtable: NEVER, ...options })
  return { store, backend, fs }
}

/** Keys that a backend has itself, without the store's own; opens it if it was closed. */
export async function keysIn(backend: Backend): Promise<string[]> {
  await backend.open()
  const keys = (await (backend as MemoryLevel<string, Buffer>)
    .keys({ keyEncoding: 'buffer' } as object)
    .all()) as unknown as Buffer[]
  return keys.filter(key => !isReserved(key)).map(key => key.toString())
}

/** Holds the writes of a backend until the gate is opened. */
export function holdWrites(backend: object): Gate {
  const gate = new Gate()
  const restore = intercept(backend, [...WRITES, '_clear'], async ({ proceed }) => {
    await gate.wait()
    return proceed()
  })
  void gate.reached.then(restore) // The one that is held is enough: those behind it wait for it.
  return gate
}

/** Takes `count` puts of small values: keys `k0`, `k1`, … */
export function manyPuts(store: Store, count: number, value = Buffer.from('v')): Promise<void>[] {
  return Array.from({ length: count }, (_, i) => store.put(`k${i}`, value))
}

/** The store that a killed process leaves, opened again. */
export function afterKill({ backend, fs }: WriteBack, options: StoreOptions = {}): Promise<Store> {
  const found = backend instanceof PermanentMemoryLevel ? new PermanentMemoryLevel(backend.disk.clone()) : memoryLevel()
  return openLogged(logOn(killed(fs)), found, { memtable: NEVER, ...options })
}
