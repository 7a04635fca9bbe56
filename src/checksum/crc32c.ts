import { require } from '../require.js'

/**
 * CRC-32C (Castagnoli): reflected polynomial 0x82f63b78, initial value and final XOR 0xffffffff, as in RFC 3720, B.4.
 *
 * @param bytes any length
 * @param previous the CRC-32C of the bytes before these, to continue it; 0 to start
 * @returns an unsigned 32-bit number
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  // Below about 100 bytes the call into native code costs more than the loop.
  return native === undefined || bytes.length < 96 ? crc32cTable(bytes, previous) : native(bytes, previous)
}

const TABLE = new Uint32Array(256).map((_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
  return c
})

/** CRC-32C in plain JavaScript, for short inputs and for platforms without the native package. */
export function crc32cTable(bytes: Uint8Array, previous = 0, from = 0, to = bytes.length): number {
  let c = ~previous
  for (let i = from; i < to; i++) c = TABLE[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8)
  return ~c >>> 0
}

type Crc32c = (bytes: Uint8Array, previous?: number) => number

const native = loadNative()

function loadNative(): Crc32c | undefined {
  try {
    return (require('@node-rs/crc32') as { crc32c: Crc32c }).crc32c
  } catch {
    return undefined // It is an optional dependency: the table gives the same results, only slower.
  }
}
