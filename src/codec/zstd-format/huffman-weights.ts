import { corruption } from '../../errors.js'
import { BIT_WRITER_SLACK_BYTES, BitWriter } from './bit-writer.js'
import { decodingTable, describeDistribution, distribute, readDistribution } from './fse-distribution.js'
import { FseEncoder } from './fse-encoder.js'

/** The longest Huffman code of Zstandard, in bits (RFC 8878, 4.2.1). */
export const MAX_CODE_BITS = 11
/** Weights are written with a table of at most 2^6 cells (RFC 8878, 4.2.1.2). */
const ACCURACY_LOG = 6
/** The weight of the last of 256 symbols is not written: it follows from the others. */
const MAX_WEIGHTS = 255
/** From this value on the first byte of a description counts weights of four bits each; below, it is the length of compressed ones. */
const UNCOMPRESSED = 128

/**
 * A description of Huffman weights: a byte with the length of what follows, and the weights, written with two states that take turns
 * (RFC 8878, 4.2.1.2).
 *
 * @param weights 0 to {@link MAX_CODE_BITS}; at least two that differ, since a decoder knows the end by running out of bits
 */
export function describeWeights(weights: readonly number[]): Uint8Array {
  const counts = Array.from({ length: MAX_CODE_BITS + 1 }, (_, weight) => weights.filter(w => w === weight).length)
  const distribution = distribute(counts, ACCURACY_LOG)
  const encoder = new FseEncoder(distribution)
  const stream = new Uint8Array(weights.length + 2 + BIT_WRITER_SLACK_BYTES)
  const writer = new BitWriter(stream)
  const last = weights.length - 1
  const states = [0, 0]
  states[last & 1] = encoder.begin(weights[last]!)
  states[(last - 1) & 1] = encoder.begin(weights[last - 1]!)
  for (let i = last - 2; i >= 0; i--) states[i & 1] = encoder.write(weights[i]!, states[i & 1]!, writer)
  encoder.end(states[1]!, writer)
  encoder.end(states[0]!, writer)
  const body = Buffer.concat([describeDistribution(distribution), stream.subarray(0, writer.finishBackward())])
  return Buffer.concat([Uint8Array.of(body.length), body])
}

/** The length of the description that begins with this byte, the byte included. */
export function descriptionBytes(first: number): number {
  return 1 + (first < UNCOMPRESSED ? first : Math.ceil((first - UNCOMPRESSED + 1) / 2))
}

/**
 * All weights, including the last, which completes the code (RFC 8878, 4.2.1.1).
 *
 * @param description a whole one
 * @throws LEVEL_CORRUPTION if it describes no code
 */
export function readWeights(description: Uint8Array): number[] {
  const first = description[0]!
  const body = description.subarray(1)
  const weights =
    first < UNCOMPRESSED
      ? readCompressed(body)
      : Array.from({ length: first - UNCOMPRESSED + 1 }, (_, i) =>
          i % 2 === 0 ? body[i >> 1]! >> 4 : body[i >> 1]! & 15
        )
  const sum = sumOf(weights)
  const codeBits = 32 - Math.clz32(sum)
  const left = 2 ** codeBits - sum
  const last = 32 - Math.clz32(left)
  const isCode = sum > 0 && codeBits <= MAX_CODE_BITS && left === 2 ** (last - 1) && (last === 1 || weights.includes(1))
  if (!isCode) throw corruption('Huffman weights that make no code')
  return [...weights, last]
}

/** The length of the longest code, in bits. Its weight is 1. */
export function longestCodeBits(weights: readonly number[]): number {
  return 32 - Math.clz32(sumOf(weights) - 1)
}

/** The shares of the code space that codes of these weights take, in units of the longest code. */
function sumOf(weights: readonly number[]): number {
  return weights.reduce((sum, weight) => sum + (weight > 0 ? 2 ** (weight - 1) : 0), 0)
}

function readCompressed(body: Uint8Array): number[] {
  const { distribution, end } = readDistribution(body, 0, MAX_CODE_BITS, ACCURACY_LOG)
  const { symbols, bits, bases } = decodingTable(distribution)
  const lastByte = body.at(-1)
  if (end >= body.length || lastByte === 0) throw corruption('Huffman weights that are cut short')
  let left = (body.length - end - 1) * 8 + (31 - Math.clz32(lastByte!))
  const take = (count: number) => {
    if (count > left) throw corruption('Huffman weights that are cut short')
    let value = 0
    for (let i = 0; i < count; i++) {
      left--
      value = value * 2 + ((body[end + (left >>> 3)]! >>> (left & 7)) & 1)
    }
    return value
  }

  const states = [take(distribution.accuracyLog), take(distribution.accuracyLog)]
  const weights: number[] = []
  for (let turn = 0; weights.length < MAX_WEIGHTS - 1; turn ^= 1) {
    const state = states[turn]!
    weights.push(symbols[state]!)
    if (bits[state]! > left) return [...weights, symbols[states[turn ^ 1]!]!]
    states[turn] = bases[state]! + take(bits[state]!)
  }
  throw corruption('more Huffman weights than there are symbols')
}
