import { corruption } from '../../errors.js'
import type { Steps } from '../steps.js'
import {
  describeDistribution,
  distribute,
  type Distribution,
  readDistribution
} from '../zstd-format/fse-distribution.js'
import { describeHuffmanCode } from '../zstd-format/huffman-description.js'
import { descriptionBytes } from '../zstd-format/huffman-weights.js'
import { LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS, type SequenceField } from '../zstd-format/sequence-table.js'
import { MAX_BLOCK_BYTES, offsetCode, REPEAT_OFFSETS } from '../zstd-format/zstd-codes.js'

/**
 * A Zstandard dictionary (RFC 8878, section 5), as `zstd --train` writes them and every Zstandard reads them:
 *
 *     +-------+-----+---------------+---------+---------------+-----------------+----------------+---------+
 *     | magic | id  | Huffman code  | offsets | match lengths | literal lengths | repeat offsets | content |
 *     +-------+-----+---------------+---------+---------------+-----------------+----------------+---------+
 *       u32     u32   for literals    three tables of the entropy coder           3 u32
 *
 * Without the magic a dictionary is content from its first byte.
 */
const MAGIC = 0xec30a437
const ID_AT = 4
const TABLES_AT = ID_AT + 4
/** The id in dictionaries. Nobody looks at it, since values name their dictionary by the store's id, but RFC 8878 demands one that is not 0. */
const ANY_ID = 1
const REPEATS_BYTES = REPEAT_OFFSETS * 4

/** The offsets that a decoder begins with if no dictionary names others. None is larger than the content of a dictionary. */
export const FIRST_REPEATS = [1, 4, 8] as const

/** The least content of a dictionary, since its repeat offsets point into it. */
export const MIN_CONTENT_BYTES = 8
/** How many bytes there are before the content: hardly ever fewer than this, and at most three times as many. */
export const MIN_HEADER_BYTES = 100

/** How often each symbol is written by an encoder that has the content. */
export interface SymbolCounts {
  readonly literals: ArrayLike<number>
  readonly offsetCodes: ArrayLike<number>
  readonly matchLengthCodes: ArrayLike<number>
  readonly literalLengthCodes: ArrayLike<number>
}

/**
 * Writes a dictionary. In its tables every symbol counts once more than it was seen: encoders use only tables that can write every symbol.
 *
 * @param content at least {@link MIN_CONTENT_BYTES}; what does not fit into `maxBytes` is cut off at its beginning
 */
export function* writeDictionary(
  content: Uint8Array,
  { literals, offsetCodes, matchLengthCodes, literalLengthCodes }: SymbolCounts,
  maxBytes: number
): Steps<Uint8Array> {
  const head = Buffer.alloc(TABLES_AT)
  head.writeUInt32LE(MAGIC, 0)
  head.writeUInt32LE(ANY_ID, ID_AT)
  const huffmanCode = describeHuffmanCode(oneMore(literals, 256))
  yield
  // Encoders check before they use a table that it has every offset that a block may need.
  const largestOffsetCode = offsetCode(content.length + MAX_BLOCK_BYTES + REPEAT_OFFSETS)
  const tables: Uint8Array[] = []
  for (const [counts, symbols, accuracyLog] of [
    [offsetCodes, largestOffsetCode + 1, OFFSETS.maxAccuracyLog],
    [matchLengthCodes, MATCH_LENGTHS.codes, MATCH_LENGTHS.maxAccuracyLog],
    [literalLengthCodes, LITERAL_LENGTHS.codes, LITERAL_LENGTHS.maxAccuracyLog]
  ] as const) {
    tables.push(describeDistribution(distribute(oneMore(counts, symbols), accuracyLog)))
    yield
  }
  const repeats = Buffer.alloc(REPEATS_BYTES)
  FIRST_REPEATS.forEach((offset, i) => repeats.writeUInt32LE(offset, i * 4))
  const header = Buffer.concat([head, huffmanCode, ...tables, repeats])
  return Buffer.concat([header, content.subarray(Math.max(0, header.length + content.length - maxBytes))])
}

function oneMore(counts: ArrayLike<number>, symbols: number): number[] {
  return Array.from({ length: symbols }, (_, symbol) => (counts[symbol] ?? 0) + 1)
}

/** The parts of a dictionary, as views. */
export interface ParsedDictionary {
  /** A description as `readWeights` takes it. It is not checked. */
  readonly huffmanCode: Uint8Array
  readonly offsetCodes: Distribution
  readonly matchLengthCodes: Distribution
  readonly literalLengthCodes: Distribution
  /** The offsets that count as used last when a frame begins. */
  readonly repeatOffsets: readonly [number, number, number]
  readonly content: Uint8Array
}

/**
 * @returns undefined if the dictionary does not begin with the magic number, and so is content from its first byte
 * @throws LEVEL_CORRUPTION if it begins with the magic number, and its tables are incomplete
 */
export function parseDictionary(dictionary: Uint8Array): ParsedDictionary | undefined {
  if (!hasTables(dictionary)) return undefined
  const first = dictionary[TABLES_AT]
  if (first === undefined) throw corruption('a dictionary without tables')
  const offsetsAt = TABLES_AT + descriptionBytes(first)
  const table = (at: number, { codes, maxAccuracyLog }: SequenceField) =>
    readDistribution(dictionary, at, codes - 1, maxAccuracyLog)
  const offsets = table(offsetsAt, OFFSETS)
  const matchLengths = table(offsets.end, MATCH_LENGTHS)
  const literalLengths = table(matchLengths.end, LITERAL_LENGTHS)

  const content = dictionary.subarray(literalLengths.end + REPEATS_BYTES)
  const repeatAt = (i: number) => readU32(dictionary, literalLengths.end + i * 4)
  const repeatOffsets = [repeatAt(0), repeatAt(1), repeatAt(2)] as const
  for (const offset of repeatOffsets) {
    if (offset === 0 || offset > content.length)
      throw corruption(`a dictionary whose repeat offset ${offset} points out of it`)
  }
  return {
    huffmanCode: dictionary.subarray(TABLES_AT, offsetsAt),
    offsetCodes: offsets.distribution,
    matchLengthCodes: matchLengths.distribution,
    literalLengthCodes: literalLengths.distribution,
    repeatOffsets,
    content
  }
}

/**
 * The part of a dictionary that matches are found in, of which LZ4 uses the last 64 KiB. It is a view of `dictionary`: of all of it, if that does not
 * begin with the magic number.
 *
 * @throws LEVEL_CORRUPTION if it begins with the magic number, and its tables are incomplete. The Huffman code is not read for that.
 */
export function dictionaryContent(dictionary: Uint8Array): Uint8Array {
  return parseDictionary(dictionary)?.content ?? dictionary
}

/** A copy whose id is 0. Frames that are made with it name no dictionary: readers know from elsewhere which one a value needs. */
export function withoutId(dictionary: Uint8Array): Uint8Array {
  const copy = new Uint8Array(dictionary) // The slice() of a Buffer would not copy.
  return hasTables(copy) ? copy.fill(0, ID_AT, TABLES_AT) : copy
}

/** Bytes that are too short for magic and id are content, as they are for libzstd. */
function hasTables(dictionary: Uint8Array): boolean {
  return dictionary.length >= TABLES_AT && readU32(dictionary, 0) === MAGIC
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
