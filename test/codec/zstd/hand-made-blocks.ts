import { BitWriter } from '../../../src/codec/zstd-format/bit-writer.js'
import { describeDistribution, type Distribution } from '../../../src/codec/zstd-format/fse-distribution.js'
import { FseEncoder } from '../../../src/codec/zstd-format/fse-encoder.js'
import { HuffmanCode } from '../../../src/codec/zstd-format/huffman-code.js'
import {
  literalLengthCode,
  LITERAL_LENGTH_BITS,
  matchLengthCode,
  MATCH_LENGTH_BITS,
  offsetCode
} from '../../../src/codec/zstd-format/zstd-codes.js'

/** Blocks put together as RFC 8878, 3.1.1.3 says, section by section: also what no encoder writes. */

export const RAW = 0
export const RLE = 1
export const COMPRESSED = 2
export const TREELESS = 3

/** A header of `bytes` bytes with the type, the format of the sizes, and one or two sizes of so many bits. */
function header(type: number, format: number, formatBits: number, sizes: readonly number[], sizeBits: number): Buffer {
  let value = BigInt(type | (format << 2))
  let bits = 2 + formatBits
  for (const size of sizes) {
    value |= BigInt(size) << BigInt(bits)
    bits += sizeBits
  }
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.subarray(0, bits / 8)
}

/** @param format 0 of one byte, 1 of two, 3 of three */
export function plainLiterals(type: typeof RAW | typeof RLE, literals: Uint8Array, format: 0 | 1 | 3): Buffer {
  const sized = header(type, format, format === 0 ? 1 : 2, [literals.length], { 0: 5, 1: 12, 3: 20 }[format])
  return Buffer.concat([sized, type === RAW ? literals : literals.subarray(0, 1)])
}

/**
 * @param description of the code, which is the dictionary's if it is treeless
 * @param format 0 of one stream, 1 to 3 of four with sizes of 10, 14, 18 bits
 */
export function codedLiterals(
  type: typeof COMPRESSED | typeof TREELESS,
  literals: Uint8Array,
  description: Uint8Array,
  format: 0 | 1 | 2 | 3
): Buffer {
  const code = new HuffmanCode(description)
  const share = format === 0 ? literals.length : Math.ceil(literals.length / 4)
  const streams: Buffer[] = []
  for (let i = 0; i < (format === 0 ? 1 : 4); i++) {
    const stream = Buffer.alloc(share * 2 + 8)
    const from = Math.min(i * share, literals.length)
    const writer = new BitWriter(stream)
    // The stream is read from its end.
    for (let at = Math.min(from + share, literals.length) - 1; at >= from; at--)
      writer.add(code.codes[literals[at]!]!, code.bits[literals[at]!]!)
    const length = writer.finishBackward()
    streams.push(stream.subarray(0, length))
  }
  const jumps = Buffer.alloc(format === 0 ? 0 : 6)
  if (format !== 0) for (let i = 0; i < 3; i++) jumps.writeUInt16LE(streams[i]!.length, 2 * i)
  const body = Buffer.concat([...(type === COMPRESSED ? [description] : []), jumps, ...streams])
  return Buffer.concat([
    header(type, format, 2, [literals.length, body.length], { 0: 10, 1: 10, 2: 14, 3: 18 }[format]),
    body
  ])
}

export interface Sequence {
  readonly literals: number
  readonly match: number
  /** 1 to 3 is one of the offsets used last, more is an offset and 3. */
  readonly offsetValue: number
}

/** How the codes of one field are written. 'one' writes that of the first sequence. */
export type Mode =
  | { readonly kind: 'predefined' | 'described' | 'repeated'; readonly distribution: Distribution }
  | 'one'

export interface Modes {
  readonly literalLengths: Mode
  readonly offsets: Mode
  readonly matchLengths: Mode
}

/** @param countBytes in how many bytes the count is written; 0 for as few as it takes */
export function sequencesSection(sequences: readonly Sequence[], modes: Modes, countBytes: 0 | 2 | 3 = 0): Buffer {
  const count = countOf(sequences.length, countBytes)
  if (sequences.length === 0) return count
  const fields = [
    fieldOf(
      modes.literalLengths,
      sequences.map(({ literals }) => literalLengthCode(literals))
    ),
    fieldOf(
      modes.offsets,
      sequences.map(({ offsetValue }) => offsetCode(offsetValue))
    ),
    fieldOf(
      modes.matchLengths,
      sequences.map(({ match }) => matchLengthCode(match))
    )
  ] as const
  const [literalLengths, offsets, matchLengths] = fields
  const stream = Buffer.alloc(sequences.length * 16 + 16)
  const writer = new BitWriter(stream)
  for (let i = sequences.length - 1; i >= 0; i--) {
    const { literals, match, offsetValue } = sequences[i]!
    // As a decoder reads them backward: the literal length's state first, so here it comes last.
    for (const field of [offsets, matchLengths, literalLengths]) field.write(i, writer)
    low(literals, LITERAL_LENGTH_BITS[literalLengthCode(literals)]!, writer)
    low(match - 3, MATCH_LENGTH_BITS[matchLengthCode(match)]!, writer)
    low(offsetValue, offsetCode(offsetValue), writer)
  }
  for (const field of [matchLengths, offsets, literalLengths]) field.end(writer)
  const length = writer.finishBackward()
  const modeByte = (literalLengths.mode << 6) | (offsets.mode << 4) | (matchLengths.mode << 2)
  return Buffer.concat([
    count,
    Buffer.of(modeByte),
    ...fields.map(field => field.description),
    stream.subarray(0, length)
  ])
}

function countOf(count: number, bytes: 0 | 2 | 3): Buffer {
  if (bytes === 3 || count >= 0x7f00) return Buffer.of(255, count - 0x7f00, (count - 0x7f00) >> 8)
  if (bytes === 2 || count >= 128) return Buffer.of((count >> 8) + 128, count)
  return Buffer.of(count)
}

function fieldOf(mode: Mode, codes: readonly number[]) {
  if (mode === 'one') return { mode: 1, description: Buffer.of(codes[0]!), write: () => {}, end: () => {} }
  const encoder = new FseEncoder(mode.distribution)
  let state = 0
  return {
    mode: { predefined: 0, described: 2, repeated: 3 }[mode.kind],
    description: mode.kind === 'described' ? describeDistribution(mode.distribution) : Buffer.alloc(0),
    write: (i: number, writer: BitWriter) => {
      const isLast = i === codes.length - 1
      state = isLast ? encoder.begin(codes[i]!) : encoder.write(codes[i]!, state, writer)
    },
    end: (writer: BitWriter) => encoder.end(state, writer)
  }
}

function low(value: number, bits: number, writer: BitWriter): void {
  writer.add(value & (2 ** bits - 1), bits)
}

/** What stands around a block in a frame that has no other (RFC 8878, 3.1.1), without a dictionary's id. */
export function frameAround(block: Uint8Array, rawLength: number): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(rawLength)
  const blockHeader = Buffer.alloc(3)
  blockHeader.writeUIntLE(1 | (2 << 1) | (block.length << 3), 0, 3)
  return Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0), size, blockHeader, block])
}
