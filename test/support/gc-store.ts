import type { MemoryLevel } from 'memory-level'
import { openEnvelope, type Opened } from '../../src/envelope/open.js'
import { CompressedKvStore, type Gc, type GcDecision, registerCodec, type Codec } from '../../src/index.js'
import { isReserved } from '../../src/store/backend/reserved-keys.js'
import { decodeMarker, type Marker } from '../../src/store/marker.js'
import { CrashableFileSystem } from './crashable-file-system.js'
import { killed, logOn, memoryLevel, openLogged, type Store, type StoreOptions } from './logged-store.js'
import { PermanentMemoryLevel } from './permanent-memory-level.js'
import { MARKER_KEY } from './reserved.js'
import { deflate } from './user-codecs.js'

export const MODES = ['write-back', 'logged', 'write-through'] as const
export type Mode = (typeof MODES)[number]
export type Backend = MemoryLevel<string, Buffer> | PermanentMemoryLevel

export interface Sweepable {
  readonly mode: Mode
  readonly store: Store
  readonly backend: Backend
  readonly fs: CrashableFileSystem
}

/** An open store over a backend that keeps what it gets, unless another is given. It flushes when it is told to. */
export async function openMode(
  mode: Mode,
  backend: Backend = new PermanentMemoryLevel(),
  options: StoreOptions = {},
  fs: CrashableFileSystem = new CrashableFileSystem()
): Promise<Sweepable> {
  if (mode === 'write-through') {
    const store = new CompressedKvStore<string, Buffer>(backend, { ...options, wal: false })
    await store.open()
    return { mode, store, backend, fs }
  }
  const memtable = mode === 'write-back' ? { flushIntervalMs: Infinity } : false
  const store = await openLogged(logOn(fs, LARGE_SEGMENTS), backend, { memtable, ...options })
  return { mode, store, backend, fs }
}

const LARGE_SEGMENTS = { blockBytes: 65_536, segmentBytes: 1 << 24 } as const

/** What another process finds when this one was killed. */
export function openAfterKill({ mode, backend, fs }: Sweepable, options: StoreOptions = {}): Promise<Sweepable> {
  const found = backend instanceof PermanentMemoryLevel ? new PermanentMemoryLevel(backend.disk.clone()) : memoryLevel()
  return openMode(mode, found, options, killed(fs))
}

/** A backend that was filled before anybody wrapped it. */
export async function filled<B extends Backend>(
  entries: Iterable<readonly [string, Buffer]>,
  backend: B = new PermanentMemoryLevel() as B
): Promise<B> {
  await backend.open()
  await backend.batch(Array.from(entries, ([key, value]) => ({ type: 'put' as const, key, value })))
  return backend
}

/** What stands in a backend beside what is the store's own. */
export async function bareEntries(backend: Backend): Promise<[string, Buffer][]> {
  await backend.open()
  const level = backend as MemoryLevel<string, Buffer>
  const entries = await level.iterator<Buffer, Buffer>({ keyEncoding: 'buffer', valueEncoding: 'buffer' }).all()
  return entries.filter(([key]) => !isReserved(key)).map(([key, value]) => [key.toString(), Buffer.from(value)])
}

export async function markerIn(backend: Backend): Promise<Marker | undefined> {
  const level = backend as MemoryLevel<string, Buffer>
  const stored = await level.get<Buffer, Buffer>(MARKER_KEY, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  return stored === undefined ? undefined : decodeMarker(Buffer.from(stored))
}

/** The envelope under a key, read as the marker says. */
export async function envelopeOf(backend: Backend, key: string): Promise<Opened> {
  const marker = await markerIn(backend)
  const stored = await (backend as MemoryLevel<string, Buffer>).get(key)
  return openEnvelope(stored!, { bytes: marker?.guard, plainValues: marker?.plainValues ?? false }, Infinity)
}

/** A codec that counts, and a policy that wants every value of 64 bytes or more in it. */
export class Counted implements Gc {
  readonly id: string
  seen = 0
  compressed = 0
  readonly codec: Codec

  /** @param id undefined for a policy of which nothing is remembered */
  constructor(id = 'counted') {
    this.id = id
    this.codec = {
      ...deflate,
      id: 203,
      name: 'counted',
      compress: data => {
        this.compressed++
        return deflate.compress(data)
      }
    }
    registerCodec(this.codec)
  }

  async process(value: Parameters<Gc['process']>[0]): Promise<GcDecision> {
    this.seen++
    const { codec } = this
    const isSettled = value.codecId === codec.id || value.probe?.codecId === codec.id
    if (isSettled || value.rawLength < 64) return { action: 'keep' }
    const compressed = await codec.compress(await value.raw())
    const pays = compressed.length < value.storedLength
    return pays ? { action: 'recompress', codec, compressed } : { action: 'probed', codec }
  }
}

/** Deletes the keys that begin with a prefix. */
export function dropping(prefix: string): Gc {
  return { process: ({ key }) => ({ action: key.toString().startsWith(prefix) ? 'drop' : 'keep' }) }
}
