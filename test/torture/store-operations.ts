import { crc32c } from '../../src/checksum/crc32c.js'
import type { CompressedKvStore, CompressedKvStoreOptions } from '../../src/index.js'
import { noise } from '../support/sample-values.js'
import { seededRandom } from '../support/seeded-random.js'

export type Store = CompressedKvStore<string, Buffer>

/** What a put writes is known from this text, with which every value begins. */
type ValueId = string

interface Write {
  readonly key: string
  /** undefined deletes. */
  readonly value: ValueId | undefined
  readonly ttl: number | undefined
}

interface Range {
  readonly gte: string
  readonly lt?: string
  readonly limit?: number
}

/** One call of a store: what it does is known from the seed of the process and its number alone. */
interface Operation {
  readonly number: number
  readonly sync: boolean
  /** More than one are one batch. */
  readonly writes: readonly Write[]
  /** Instead of writes: a range that is deleted. */
  readonly clear: Range | undefined
}

/** What a store holds. */
export type Entries = Map<string, ValueId>

const KEYS = 400
const MAX_BATCH = 20
const MAX_SMALL_BYTES = 300
/** Above what is compressed off the main thread. */
const MAX_BYTES = 200 * 1024
/** The default of `offThreadSize`. */
const OFF_THREAD_BYTES = 64 * 1024
/** Far away: what matters is that there is one. */
const TTL = 1_000_000_000

/** The calls that a process with this seed makes, in order, without end. */
export function* operations(seed: number): Generator<Operation, never> {
  const random = seededRandom(seed)
  const below = (end: number) => Math.floor(random() * end)
  const someKey = () => `k${String(below(KEYS)).padStart(3, '0')}`
  for (let number = 0; ; number++) {
    const sync = random() < 0.02
    if (random() < 0.015) {
      const [gte, lt] = [someKey(), someKey()].sort() as [string, string]
      const clear = random() < 0.5 ? { gte, lt } : random() < 0.2 ? { gte } : { gte, limit: 1 + below(50) }
      yield { number, sync, writes: [], clear }
      continue
    }
    const count = random() < 0.2 ? 1 + below(MAX_BATCH) : 1
    const writes = Array.from({ length: count }, (_, index) => {
      const bytes = 60 + below(random() < 0.02 ? MAX_BYTES : MAX_SMALL_BYTES)
      const kind = random() < 0.5 ? 'text' : 'noise'
      const value = random() < 0.15 ? undefined : [seed, number, index, kind, bytes].join(':')
      return { key: someKey(), value, ttl: value !== undefined && random() < 0.005 ? TTL : undefined }
    })
    yield { number, sync, writes, clear: undefined }
  }
}

/** How the process with this seed opens the store. */
export function settingsOf(seed: number): CompressedKvStoreOptions<string, Buffer> {
  const random = seededRandom(seed ^ 0x5bd1e995)
  const oneOf = <T>(...choices: T[]): T => choices[Math.floor(random() * choices.length)]!
  return {
    codec: oneOf('none', 'lz4', 'zstd'),
    minSize: oneOf(0, 1024),
    cacheBytes: oneOf(0, 100_000),
    meter: false,
    wal: {
      fsync: oneOf('always', 'interval', 'os'),
      fsyncIntervalMs: oneOf(1, 5),
      codec: oneOf('none', 'lz4', 'zstd'),
      blockBytes: oneOf(1024, 65_536),
      segmentBytes: oneOf(80_000, 200_000, 1_000_000)
    },
    memtable: {
      flushBytes: oneOf(1, 5000, 200_000),
      maxBytes: oneOf(1, 20_000, 1_000_000),
      flushIntervalMs: oneOf(1, 10, 50)
    }
  }
}

/**
 * Whether later calls on other keys may reach the log first: before the first call, and the first time to live, the marker is written, and
 * large values are compressed off the main thread. The checker takes calls in their order, so these are awaited.
 */
export function mayBeOvertaken({ number, writes }: Operation): boolean {
  return (
    number === 0 || writes.some(({ value, ttl }) => ttl !== undefined || (value && bytesOf(value) >= OFF_THREAD_BYTES))
  )
}

export function perform(store: Store, { writes, clear, sync }: Operation): Promise<void> {
  if (clear !== undefined) return store.clear({ ...clear, sync } as object)
  const [first] = writes
  if (writes.length === 1) {
    const { key, value, ttl } = first!
    return value === undefined ? store.del(key, { sync }) : store.put(key, valueOf(value), { sync, ttl })
  }
  const batch = writes.map(({ key, value, ttl }) =>
    value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value: valueOf(value), ttl }
  )
  return store.batch(batch, { sync })
}

/** What {@link perform} does to what is there. */
export function apply(entries: Entries, { writes, clear }: Operation): void {
  if (clear !== undefined) {
    const { gte, lt, limit } = clear
    const inside = [...entries.keys()].filter(key => key >= gte && (lt === undefined || key < lt)).sort()
    for (const key of inside.slice(0, limit)) entries.delete(key)
  }
  for (const { key, value } of writes) {
    if (value === undefined) entries.delete(key)
    else entries.set(key, value)
  }
}

/** @throws if it is none that was ever written */
export function idOf(value: Buffer): ValueId {
  const id = value.toString('latin1', 0, 60).split(' ')[0]!
  if (id.split(':').length !== 5 || !valueOf(id).equals(value)) {
    throw new Error(`${value.length} bytes were never written: ${value.toString('hex', 0, 40)}…`)
  }
  return id
}

function valueOf(id: ValueId): Buffer {
  const kind = id.split(':')[3]
  const bytes = bytesOf(id)
  const value = kind === 'text' ? Buffer.alloc(bytes) : noise(bytes, crc32c(Buffer.from(id)) || 1)
  if (kind === 'text') value.fill(`${id} `)
  else value.write(`${id} `, 'latin1')
  return value
}

function bytesOf(id: ValueId): number {
  return Number(id.split(':')[4])
}
