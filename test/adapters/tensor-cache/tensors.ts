import { CompressedKvStore } from 'compressed-kv'
import { TensorCache, type TensorCacheOptions } from 'compressed-kv/tensor-cache'
import { MemoryLevel } from 'memory-level'
import { seededRandom } from '../../support/seeded-random.js'

export type Store = CompressedKvStore<string, Buffer>

/** 2 layers of [2 heads, 4 tokens, 3 numbers]. */
export const LAYOUT = { model: 'tiny', dtype: 'bf16', layers: 2, shape: [2, 4, 3], seqAxis: 1, maxBytes: 1e9 } as const

const ELEMENTS = 24

export function memoryStore(backend = memoryBackend()): Store {
  return new CompressedKvStore(backend)
}

export function memoryBackend(): MemoryLevel<string, Buffer> {
  return new MemoryLevel({ valueEncoding: 'buffer' })
}

export function tinyCache(
  db: Store = memoryStore(),
  options: Partial<TensorCacheOptions<'bf16'>> = {}
): TensorCache<'bf16'> {
  return new TensorCache(db, { ...LAYOUT, ...options })
}

/** Random bits. */
export function bits(length: number, seed: number): Uint16Array {
  const next = seededRandom(seed)
  return Uint16Array.from({ length }, () => next() * 65536)
}

export function layersOf(seed: number, count = 2, length = ELEMENTS): Uint16Array[] {
  return Array.from({ length: count }, (_, layer) => bits(length, 1000 * seed + layer))
}

/** 0, 1, 2, ... from `first` on. */
export function tokens(length: number, first = 0): number[] {
  return Array.from({ length }, (_, i) => first + i)
}

/** Any backend: the types of two of them are not assignable to each other. */
interface BytesSource {
  iterator(options: { keyEncoding: 'buffer'; valueEncoding: 'buffer' }): AsyncIterable<[Buffer, Buffer]>
}

/** What a backend holds of a cache, in bytes of keys and values. The store's own marker is not counted. */
export async function storedBytes(backend: BytesSource): Promise<number> {
  let bytes = 0
  for await (const [key, value] of backend.iterator({ keyEncoding: 'buffer', valueEncoding: 'buffer' })) {
    if (key[0] !== 0xff) bytes += key.length + value.length
  }
  return bytes
}
