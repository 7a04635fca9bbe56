import type { Codec } from '../codec/codec.js'
import type { AnyLevel } from './any-level.js'
import { isLevelDb } from './backend.js'
import type { CodecChoice } from './codec-choice.js'
import { MarkerState } from './marker-state.js'
import { Unsealer } from './unsealer.js'
import type { Settings } from './options.js'
import { Reader } from './reader.js'
import { Sealer } from './sealer.js'
import type { Counters } from './stats.js'
import { ValueCache } from './value-cache.js'
import { WriteQueue } from './write-queue.js'

/** What exists only while the store is open: everything that depends on what was found in the backend. */
export interface Session {
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly unsealer: Unsealer
  readonly reader: Reader
  readonly writes: WriteQueue
  readonly cache: ValueCache | undefined
}

/** @param backend open */
export async function beginSession(
  backend: AnyLevel,
  settings: Settings,
  choice: CodecChoice,
  counters: Counters,
  onCodecError: (codec: Codec, error: unknown) => void
): Promise<Session> {
  const marker = await MarkerState.load(backend)
  const { guard } = marker
  const levelDb = isLevelDb(backend)
  const mayOmitChecksum = settings.checksum === 'auto' && levelDb
  const unsealer = new Unsealer(settings, guard, !levelDb, counters)
  const cache = settings.cacheBytes > 0 ? new ValueCache(settings.cacheBytes, counters.cache) : undefined
  return {
    marker,
    sealer: new Sealer(settings, choice, { guard, mayOmitChecksum, overLevelDb: levelDb }, counters, onCodecError),
    unsealer,
    reader: new Reader(backend, marker, unsealer, cache),
    writes: new WriteQueue(backend, marker, cache, counters.writes),
    cache
  }
}
