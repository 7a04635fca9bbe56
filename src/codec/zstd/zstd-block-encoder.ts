import { BitWriter } from '../zstd-format/bit-writer.js'
import { MIN_CONTENT_BYTES, type ParsedDictionary, parseDictionary } from '../dictionary/dictionary-format.js'
import { DictionaryMatcher } from '../dictionary/dictionary-matcher.js'
import { FseEncoder } from '../zstd-format/fse-encoder.js'
import { HuffmanCode } from '../zstd-format/huffman-code.js'
import { allSteps } from '../steps.js'
import {
  LITERAL_LENGTH_CODES,
  literalLengthCode,
  literalLengthExtraBits,
  MATCH_LENGTH_CODES,
  matchLengthCode,
  matchLengthExtraBits,
  MIN_MATCH_BYTES,
  offsetCode,
  REPEAT_OFFSETS
} from '../zstd-format/zstd-codes.js'
import type { Sequences } from '../zstd-format/zstd-sequences.js'

/** Values up to here are taken: their literals fit the 14-bit sizes of a section in four streams. */
export const MAX_ENCODED_BYTES = 16 * 1024 - 1

/** RFC 8878, 3.1.1.3.1.1: types of literals, and formats of their sizes. */
const RAW_LITERALS = 0
const TREELESS_LITERALS = 3
const ONE_STREAM_LIMIT = 1024
/** RFC 8878, 3.1.1.3.2.1: all three tables are the dictionary's. */
const REPEAT_MODES = 0xfc
const TWO_BYTE_SEQUENCES_FROM = 128

/** Before it is known to be too long, a block can be: a sequence takes up to 9 bytes, and may stand for 4. */
const MAX_BLOCK_BYTES = 3 * MAX_ENCODED_BYTES + 64

/**
 * Compresses small values with a dictionary's content and its tables, to what a compressed block of Zstandard holds (RFC 8878, 3.1.1.3), at
 * about level 3. libzstd loads the dictionary for every value where it cannot keep it prepared, as its WebAssembly build cannot: that costs more
 * than compressing some hundred bytes does. Here it is prepared once.
 */
export class ZstdBlockEncoder {
  readonly #matcher: DictionaryMatcher
  readonly #tables: Tables
  readonly #block = Buffer.alloc(MAX_BLOCK_BYTES)
  readonly #writer = new BitWriter(this.#block)

  private constructor(dictionary: ParsedDictionary, tables: Tables) {
    this.#matcher = allSteps(DictionaryMatcher.create(dictionary.content, dictionary.repeatOffsets))
    this.#tables = tables
  }

  /**
   * @returns undefined for a dictionary that is content only, or has tables that cannot write everything
   * @throws LEVEL_CORRUPTION if its tables are damaged
   */
  static create(dictionary: Uint8Array): ZstdBlockEncoder | undefined {
    const parsed = parseDictionary(dictionary)
    const tables = parsed && tablesOf(parsed)
    return tables && new ZstdBlockEncoder(parsed, tables)
  }

  /**
   * @param value at most {@link MAX_ENCODED_BYTES}
   * @returns undefined where the block would not be smaller than the value
   */
  encode(value: Uint8Array): Buffer | undefined {
    const sequences = this.#matcher.parse(value)
    const literalsEnd = writeLiterals(sequences, this.#tables.literals, this.#block, this.#writer)
    const end = writeSequences(sequences, this.#tables, this.#block, literalsEnd, this.#writer)
    return end < value.length ? Buffer.from(this.#block.subarray(0, end)) : undefined
  }
}

interface Tables {
  readonly literals: HuffmanCode
  readonly offsets: FseEncoder
  readonly matchLengths: FseEncoder
  readonly literalLengths: FseEncoder
}

function tablesOf(dictionary: ParsedDictionary): Tables | undefined {
  const literals = new HuffmanCode(dictionary.huffmanCode)
  const offsets = new FseEncoder(dictionary.offsetCodes)
  const matchLengths = new FseEncoder(dictionary.matchLengthCodes)
  const literalLengths = new FseEncoder(dictionary.literalLengthCodes)
  const isComplete =
    dictionary.content.length >= MIN_CONTENT_BYTES &&
    literals.hasAllBytes &&
    offsets.canWriteTo(offsetCode(dictionary.content.length + MAX_ENCODED_BYTES + REPEAT_OFFSETS)) &&
    matchLengths.canWriteTo(MATCH_LENGTH_CODES - 1) &&
    literalLengths.canWriteTo(LITERAL_LENGTH_CODES - 1)
  return isComplete ? { literals, offsets, matchLengths, literalLengths } : undefined
}

/** RFC 8878, 3.1.1.3.1. @returns where the section ends */
function writeLiterals(
  { literals, literalBytes }: Sequences,
  code: HuffmanCode,
  block: Buffer,
  writer: BitWriter
): number {
  const oneStream = literalBytes < ONE_STREAM_LIMIT
  const streamBytes = oneStream ? literalBytes : Math.ceil(literalBytes / 4)
  const headerBytes = oneStream ? 3 : 4 + 6
  const rawHeaderBytes = literalBytes < 32 ? 1 : literalBytes < 4096 ? 2 : 3
  let codedBytes = 0
  for (let from = 0; from < literalBytes; from += streamBytes) {
    codedBytes += code.streamBytes(literals, from, Math.min(from + streamBytes, literalBytes))
  }
  if (headerBytes + codedBytes >= rawHeaderBytes + literalBytes)
    return writeRawLiterals(literals, literalBytes, rawHeaderBytes, block)

  if (oneStream) {
    block.writeUIntLE(TREELESS_LITERALS | (literalBytes << 4) | (codedBytes << 14), 0, 3)
    return code.write(literals, 0, literalBytes, writer.begin(headerBytes))
  }
  block.writeUInt32LE((TREELESS_LITERALS | (2 << 2) | (literalBytes << 4) | ((6 + codedBytes) << 18)) >>> 0, 0)
  let at = headerBytes
  for (let stream = 0; stream < 4; stream++) {
    const from = stream * streamBytes
    const end = code.write(literals, from, Math.min(from + streamBytes, literalBytes), writer.begin(at))
    if (stream < 3) block.writeUInt16LE(end - at, 4 + stream * 2)
    at = end
  }
  return at
}

function writeRawLiterals(literals: Uint8Array, bytes: number, headerBytes: number, block: Buffer): number {
  // The size has 5, 12 or 20 bits, and its format 1 or 2.
  if (headerBytes === 1) block[0] = RAW_LITERALS | (bytes << 3)
  else block.writeUIntLE(RAW_LITERALS | ((headerBytes === 2 ? 1 : 3) << 2) | (bytes << 4), 0, headerBytes)
  block.set(literals.subarray(0, bytes), headerBytes)
  return headerBytes + bytes
}

/** RFC 8878, 3.1.1.3.2. The stream is read from its end, so the last sequence is written first. @returns where the section ends */
function writeSequences(
  sequences: Sequences,
  { offsets, matchLengths, literalLengths }: Tables,
  block: Buffer,
  from: number,
  writer: BitWriter
): number {
  const { count } = sequences
  let at = from
  if (count >= TWO_BYTE_SEQUENCES_FROM) block[at++] = (count >> 8) + TWO_BYTE_SEQUENCES_FROM
  block[at++] = count
  if (count === 0) return at
  block[at++] = REPEAT_MODES

  writer.begin(at)
  let [offsetState, matchState, literalState] = [0, 0, 0]
  for (let i = count - 1; i >= 0; i--) {
    const literalLength = sequences.literalLengths[i]!
    const matchLength = sequences.matchLengths[i]!
    const offsetValue = sequences.offsetValues[i]!
    const literalCode = literalLengthCode(literalLength)
    const matchCode = matchLengthCode(matchLength)
    const offset = offsetCode(offsetValue)
    if (i === count - 1) {
      offsetState = offsets.begin(offset)
      matchState = matchLengths.begin(matchCode)
      literalState = literalLengths.begin(literalCode)
    } else {
      offsetState = offsets.write(offset, offsetState, writer)
      matchState = matchLengths.write(matchCode, matchState, writer)
      literalState = literalLengths.write(literalCode, literalState, writer)
    }
    addLowBits(literalLength, literalLengthExtraBits(literalCode), writer)
    addLowBits(matchLength - MIN_MATCH_BYTES, matchLengthExtraBits(matchCode), writer)
    addLowBits(offsetValue, offset, writer)
  }
  matchLengths.end(matchState, writer)
  offsets.end(offsetState, writer)
  literalLengths.end(literalState, writer)
  return writer.finishBackward()
}

/** Ranges begin at multiples of their size, so that the low bits tell where in one a number is. */
function addLowBits(value: number, bits: number, writer: BitWriter): void {
  writer.add(value & ((1 << bits) - 1), bits)
}
