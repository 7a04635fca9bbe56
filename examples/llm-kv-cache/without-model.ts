import type { CompressedKvStore } from 'compressed-kv'
import { TensorCache } from 'compressed-kv/tensor-cache'

const SHAPE = [1, 2, 256, 64]
const LAYERS = 8
const TOKENS = 512

interface GaussianResult {
  readonly reusedTokens: number
  readonly identical: boolean
  readonly bytesRaw: number
  readonly bytesStored: number
}

/** Puts seeded noise in place of keys and values, `[batch, heads, sequence, dim]`, restarts, and gets it back. */
export async function runWithoutModel(open: () => CompressedKvStore<string, Buffer>): Promise<GaussianResult> {
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 7919) % 32_000)
  const [batch, heads, , dim] = SHAPE as [number, number, number, number]
  const layers = Array.from({ length: LAYERS }, (_, layer) => gaussianBf16(batch * heads * TOKENS * dim, layer))
  const db = open()
  await cacheIn(db).putPrefix(tokens, layers)
  await cacheIn(db).flush()
  await db.flush()
  const { bytesStored } = db.stats().written
  await db.close()

  const restarted = open()
  const cached = await cacheIn(restarted).getPrefix(tokens)
  await restarted.close()
  return {
    reusedTokens: cached?.tokens ?? 0,
    identical: layers.every((layer, i) => Buffer.from(layer.buffer).equals(Buffer.from(cached!.layers[i]!.buffer))),
    bytesRaw: layers.reduce((sum, { byteLength }) => sum + byteLength, 0),
    bytesStored
  }
}

function cacheIn(db: CompressedKvStore<string, Buffer>): TensorCache<'bf16'> {
  return new TensorCache(db, { model: 'noise', dtype: 'bf16', layers: LAYERS, shape: SHAPE, seqAxis: 2, maxBytes: 1e9 })
}

/** Noise with mean 0 and deviation 1 (Box-Muller), rounded to the upper half of a float32. */
function gaussianBf16(length: number, seed: number): Uint16Array<ArrayBuffer> {
  let state = seed + 1
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 1) / 2 ** 32
  const floats = Float32Array.from({ length }, () => {
    return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  })
  return Uint16Array.from(new Uint32Array(floats.buffer), bits => (bits + 0x8000) >>> 16)
}
