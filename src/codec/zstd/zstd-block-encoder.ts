import { MIN_CONTENT_BYTES, type ParsedDictionary, parseDictionary } from '../dictionary/dictionary-format.js'
import { DictionaryMatcher } from '../dictionary/dictionary-matcher.js'
import { LITERALS, MATCHER_FUNCTIONS, type MatcherFunctions, MEMORY_BYTES } from '../dictionary/matcher-functions.js'
import { allSteps } from '../steps.js'
import { wasmInstances } from '../wasm-instances.js'
import { FseEncoder } from '../zstd-format/fse-encoder.js'
import { HuffmanCode } from '../zstd-format/huffman-code.js'
import { LITERAL_LENGTH_CODES, MATCH_LENGTH_CODES, offsetCode, REPEAT_OFFSETS } from '../zstd-format/zstd-codes.js'
import { BLOCK, CODER_FUNCTIONS, type CoderFunctions, type CoderTables, putTables } from './zstd-coder-functions.js'

/** The longest value, in bytes: the number of its literals fits into the 14 bits that a section in four streams has for it. */
export const MAX_ENCODED_BYTES = 16 * 1024 - 1

/** RFC 8878, 3.1.1.3.1.1: types of literals, and formats of their sizes. */
const RAW_LITERALS = 0
const TREELESS_LITERALS = 3
const ONE_STREAM_LIMIT = 1024
/** RFC 8878, 3.1.1.3.2.1: all three tables are the dictionary's. */
const REPEAT_MODES = 0xfc
const TWO_BYTE_SEQUENCES_FROM = 128

const instance = wasmInstances<MatcherFunctions & CoderFunctions>(
  'Zstandard with a dictionary',
  [...MATCHER_FUNCTIONS, ...CODER_FUNCTIONS],
  MEMORY_BYTES
)

/**
 * Compresses small values into the content of a compressed block of Zstandard (RFC 8878, 3.1.1.3), with a dictionary's content and its tables, about
 * as well as level 3. The dictionary is prepared once: libzstd's WebAssembly build loads it for every value, which takes longer than to compress some
 * hundred bytes.
 */
export class ZstdBlockEncoder {
  readonly #matcher: DictionaryMatcher
  readonly #functions: CoderFunctions
  readonly #memory: Buffer

  private constructor({ content, repeatOffsets }: ParsedDictionary, tables: CoderTables) {
    const functions = instance(content.length)
    this.#functions = functions
    this.#memory = Buffer.from(functions.memory.buffer)
    this.#matcher = allSteps(DictionaryMatcher.create(content, repeatOffsets, functions))
    putTables(this.#memory, tables)
  }

  /**
   * @returns undefined for a dictionary that is only content, or whose tables cannot write every symbol
   * @throws LEVEL_CORRUPTION if its tables are damaged
   * @throws LEVEL_NOT_SUPPORTED if WebAssembly is switched off, or gets no memory
   */
  static create(dictionary: Uint8Array): ZstdBlockEncoder | undefined {
    const parsed = parseDictionary(dictionary)
    const tables = parsed && tablesOf(parsed)
    return tables && new ZstdBlockEncoder(parsed, tables)
  }

  /**
   * @param value at most {@link MAX_ENCODED_BYTES}
   * @returns undefined if the block would not be smaller than the value
   */
  encode(value: Uint8Array): Buffer | undefined {
    const { count, literalBytes } = this.#matcher.parse(value)
    const end = this.#writeSequences(count, this.#writeLiterals(literalBytes))
    return end - BLOCK < value.length ? Buffer.from(this.#memory.subarray(BLOCK, end)) : undefined
  }

  /** RFC 8878, 3.1.1.3.1. @returns where the section ends */
  #writeLiterals(bytes: number): number {
    const rawHeaderBytes = bytes < 32 ? 1 : bytes < 4096 ? 2 : 3
    const end = bytes < ONE_STREAM_LIMIT ? this.#writeOneStream(bytes) : this.#writeFourStreams(bytes)
    return end < BLOCK + rawHeaderBytes + bytes ? end : this.#writeRawLiterals(bytes, rawHeaderBytes)
  }

  #writeOneStream(bytes: number): number {
    const headerBytes = 3
    const end = this.#functions.writeLiterals(LITERALS, LITERALS + bytes, BLOCK + headerBytes)
    const codedBytes = end - BLOCK - headerBytes
    // Both sizes have 10 bits. If the coded size needs more, coding has made the literals longer, and they are stored raw.
    if (codedBytes < ONE_STREAM_LIMIT)
      this.#memory.writeUIntLE(TREELESS_LITERALS | (bytes << 4) | (codedBytes << 14), BLOCK, headerBytes)
    return end
  }

  #writeFourStreams(bytes: number): number {
    const sizesBytes = 4
    const streamBytes = Math.ceil(bytes / 4)
    let at = BLOCK + sizesBytes + 6
    for (let stream = 0; stream < 4; stream++) {
      const from = LITERALS + stream * streamBytes
      const end = this.#functions.writeLiterals(from, Math.min(from + streamBytes, LITERALS + bytes), at)
      if (stream < 3) this.#memory.writeUInt16LE(end - at, BLOCK + sizesBytes + stream * 2)
      at = end
    }
    const codedBytes = at - BLOCK - sizesBytes
    this.#memory.writeUInt32LE((TREELESS_LITERALS | (2 << 2) | (bytes << 4) | (codedBytes << 18)) >>> 0, BLOCK)
    return at
  }

  #writeRawLiterals(bytes: number, headerBytes: number): number {
    const memory = this.#memory
    // The size has 5, 12 or 20 bits, and its format 1 or 2.
    if (headerBytes === 1) memory[BLOCK] = RAW_LITERALS | (bytes << 3)
    else memory.writeUIntLE(RAW_LITERALS | ((headerBytes === 2 ? 1 : 3) << 2) | (bytes << 4), BLOCK, headerBytes)
    memory.copyWithin(BLOCK + headerBytes, LITERALS, LITERALS + bytes)
    return BLOCK + headerBytes + bytes
  }

  /** RFC 8878, 3.1.1.3.2. @returns where the section ends */
  #writeSequences(count: number, at: number): number {
    const memory = this.#memory
    if (count >= TWO_BYTE_SEQUENCES_FROM) memory[at++] = (count >> 8) + TWO_BYTE_SEQUENCES_FROM
    memory[at++] = count
    if (count === 0) return at
    memory[at++] = REPEAT_MODES
    return this.#functions.writeSequences(count, at)
  }
}

function tablesOf(dictionary: ParsedDictionary): CoderTables | undefined {
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
