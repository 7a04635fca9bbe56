import { join } from 'node:path'
import type { TensorDtype } from 'compressed-kv'
import { tensorSets } from '../documents/corpus.js'
import { seeded } from '../documents/seeded.js'

/** What a cache server keeps for one prompt and layer. */
export const ENTRY_BYTES = 2 * 1024 * 1024

export interface Tensor {
  readonly name: string
  readonly dtype: TensorDtype
  readonly real: boolean
  readonly bytes: Buffer
}

type FloatType = 'bf16' | 'f16' | 'f32'
const FLOAT_TYPES: readonly FloatType[] = ['bf16', 'f16', 'f32']

/** The first entry of every llm/kv-layer* file of a corpus. */
export function realTensors(corpus: string): Tensor[] {
  return tensorSets(join(corpus, 'llm')).flatMap(({ documents }) =>
    documents.flatMap(({ key, value }) => {
      const dtype = FLOAT_TYPES.find(type => key.endsWith(`.${type}`))
      return dtype === undefined ? [] : [{ name: key, dtype, real: true, bytes: value.subarray(0, ENTRY_BYTES) }]
    })
  )
}

/** Every sixteenth channel is this many times as large as the others: trained models have such channels. */
const OUTLIER_SCALE = 12
const OUTLIER_EVERY = 16

/** Normally distributed numbers, by token and channel of a head. Real tensors repeat themselves more, so that these are the harder case. */
export function seededTensors(): Tensor[] {
  return [64, 128].flatMap(headSize =>
    FLOAT_TYPES.map(dtype => ({
      name: `seeded ${dtype}, head ${headSize}`,
      dtype,
      real: false,
      bytes: gaussian(dtype, headSize)
    }))
  )
}

/** A cache of 32 sequences of which the first half is filled. Such caches have the larger ratios that are sometimes claimed for KV caches. */
export function halfEmptyTensor(): Tensor {
  const full = seededTensors()[0]!
  const bytes = Buffer.from(full.bytes)
  const sequenceBytes = bytes.length / 32
  for (let at = sequenceBytes / 2; at < bytes.length; at += sequenceBytes) bytes.fill(0, at, at + sequenceBytes / 2)
  return { ...full, name: `${full.name}, half of the slots empty`, bytes }
}

function gaussian(dtype: FloatType, headSize: number): Buffer {
  const next = seeded(headSize)
  const size = dtype === 'f32' ? 4 : 2
  const scales = Array.from({ length: headSize }, (_, c) => (c % OUTLIER_EVERY === 3 ? OUTLIER_SCALE : 0.5 + next()))
  const float = new Float32Array(1)
  const bits = new Uint32Array(float.buffer)
  const bytes = Buffer.alloc(ENTRY_BYTES)
  for (let at = 0; at < bytes.length; at += size) {
    // Box and Muller.
    float[0] = scales[(at / size) % headSize]! * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
    if (dtype === 'f32') bytes.writeUInt32LE(bits[0]!, at)
    else bytes.writeUInt16LE(dtype === 'bf16' ? bits[0]! >>> 16 : halfOf(bits[0]!), at)
  }
  return bytes
}

/** The fp16 of a 32-bit float, cut off, or 0 below the smallest normal number of fp16. The exponent's bias is 15 instead of 127. */
function halfOf(bits: number): number {
  const exponent = ((bits >>> 23) & 0xff) - 112
  return ((bits >>> 16) & 0x8000) | (exponent <= 0 ? 0 : (exponent << 10) | ((bits >>> 13) & 0x3ff))
}
