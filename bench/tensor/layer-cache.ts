import { ClassicLevel } from 'classic-level'
import { CompressedKvStore } from 'compressed-kv'
import { TensorCache } from 'compressed-kv/tensor-cache'

/** Layers of 2 MiB of bf16. */
export const LAYERS = 32
const SHAPE = [1024, 8, 128]
/** One chunk. */
export const TOKENS = Array.from({ length: SHAPE[0]! }, (_, i) => i)

/** A cache of chunks of such layers over classic-level, as both come. */
export function openLayerCache(location: string): {
  readonly db: CompressedKvStore<string, Buffer>
  readonly cache: TensorCache<'bf16'>
} {
  const db = new CompressedKvStore(new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' }))
  return {
    db,
    cache: new TensorCache(db, { model: 'm', dtype: 'bf16', layers: LAYERS, shape: SHAPE, seqAxis: 0, maxBytes: 1e9 })
  }
}
