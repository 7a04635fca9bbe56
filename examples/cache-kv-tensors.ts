// The key/value tensors of a language model, cached by layer: bf16 in, bf16 out, over a restart, not a bit lost.
import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressedKvStore, tensor } from 'compressed-kv'
import { Level } from 'level'

const LAYERS = 12
const KV_HEADS = 8
const HEAD_SIZE = 128

/** @param tokens length of the cached context. Default 64: 256 KiB a layer */
export async function main([tokens = '64']: string[] = []) {
  const directory = mkdtempSync(join(tmpdir(), 'ckv-example-'))
  try {
    const layers = Array.from({ length: LAYERS }, (_, n) => gaussianBf16(2 * KV_HEADS * Number(tokens) * HEAD_SIZE, n))
    const cache = openCache(directory)
    await Promise.all(layers.map((layer, n) => cache.put(`layer:${n}:kv`, bytesOf(layer))))
    await cache.flush() // Writes resolve when the log has them; values are compressed on their way to the database.
    const { bytesIn, bytesStored, ratio } = cache.stats().written
    await cache.close()

    const restarted = openCache(directory)
    const values = await restarted.getMany(layers.map((_, n) => `layer:${n}:kv`))
    // Values begin at a multiple of 8 bytes, so a typed array of any kind can be laid over them.
    const tensors = values.map(value => new Uint16Array(value!.buffer, value!.byteOffset, value!.byteLength / 2))
    const identical = tensors.filter((restored, n) => bytesOf(restored).equals(bytesOf(layers[n]!))).length
    const aligned = values.filter(value => value!.byteOffset % 8 === 0).length
    await restarted.close()
    const bytesOnDisk = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)

    console.log(`${LAYERS} layers of ${tokens} tokens: ${bytesIn} bytes raw`)
    console.log(`stored in ${bytesStored} bytes (ratio ${ratio.toFixed(3)}), ${bytesOnDisk} bytes on disk`)
    console.log(
      `after a restart: ${aligned} of ${LAYERS} laid out as bf16 without a copy, ${identical} identical bit for bit`
    )
    return { layers: LAYERS, bytesIn, bytesStored, bytesOnDisk, identical, aligned }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function openCache(directory: string): CompressedKvStore<string, Buffer> {
  return new CompressedKvStore(new Level<string, Buffer>(directory, { valueEncoding: 'buffer' }), {
    codec: tensor({ dtype: 'bf16' })
  })
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Seeded noise, mean 0, deviation 1 (Box-Muller), rounded to the upper half of a float32. Real caches compress about as well. */
function gaussianBf16(length: number, seed: number): Uint16Array {
  let state = seed + 1
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 1) / 2 ** 32
  const floats = Float32Array.from({ length }, () => {
    return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  })
  return Uint16Array.from(new Uint32Array(floats.buffer), bits => (bits + 0x8000) >>> 16)
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main(process.argv.slice(2))
