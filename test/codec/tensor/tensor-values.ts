import type { TensorDtype } from '../../../src/codec/tensor/tensor-format.js'
import { seededRandom } from '../../support/seeded-random.js'

/** Numbers of a normal distribution (Box-Muller), `bytes` bytes of them, the last one cut if it does not fit. */
export function gaussian(dtype: TensorDtype, bytes: number, seed = 1): Buffer {
  const random = seededRandom(seed)
  const size = { bf16: 2, f16: 2, f32: 4, f64: 8, i8: 1 }[dtype]
  const value = Buffer.alloc(Math.ceil(bytes / size) * size)
  for (let at = 0; at < value.length; at += size) {
    write(dtype, value, at, Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
  }
  return value.subarray(0, bytes)
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

function write(dtype: TensorDtype, to: Buffer, at: number, number: number): void {
  if (dtype === 'f64') return void to.writeDoubleLE(number, at)
  if (dtype === 'f32') return void to.writeFloatLE(number, at)
  if (dtype === 'i8') return void to.writeInt8(Math.max(-128, Math.min(127, Math.round(number * 20))), at)
  float[0] = number
  if (dtype === 'bf16') return void to.writeUInt16LE(bits[0]! >>> 16, at)
  // fp16: five bits of exponent with a bias of 15; what is below its smallest normal number becomes zero.
  const exponent = ((bits[0]! >>> 23) & 0xff) - 127 + 15
  const half = exponent <= 0 ? 0 : (exponent << 10) | ((bits[0]! >>> 13) & 0x3ff)
  to.writeUInt16LE(((bits[0]! >>> 16) & 0x8000) | half, at)
}

/** Bits of sign and exponent, and of the mantissa below them. */
const LAYOUT = { f32: { high: 9, low: 23 }, f64: { high: 12, low: 52 } } as const

/**
 * Every bit pattern of a type of 8 or 16 bits. Of the larger ones every sign and exponent, each with mantissas of no bits, the lowest, the
 * highest, all and random ones: zeros of either sign, infinities, quiet and signalling NaNs and subnormal numbers are among them.
 */
export function everyPattern(dtype: TensorDtype): Buffer {
  if (dtype === 'i8') return Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i))
  if (dtype === 'bf16' || dtype === 'f16') return Buffer.from(Uint16Array.from({ length: 65_536 }, (_, i) => i).buffer)
  const { high, low } = LAYOUT[dtype]
  const random = seededRandom(1)
  const all = 2n ** BigInt(low) - 1n
  const patterns = Array.from({ length: 2 ** high }, (_, i) => BigInt(i) << BigInt(low)).flatMap(signAndExponent =>
    [0n, 1n, 2n ** BigInt(low - 1), all, BigInt(Math.floor(random() * 2 ** low))].map(
      mantissa => signAndExponent | mantissa
    )
  )
  return dtype === 'f32'
    ? Buffer.from(Uint32Array.from(patterns, Number).buffer)
    : Buffer.from(BigUint64Array.from(patterns).buffer)
}
