import { corruption } from '../../errors.js'
import { DICTIONARY_VALUE_LIMIT } from '../codec.js'
import { FIRST_REPEATS, parseDictionary } from '../dictionary/dictionary-format.js'
import { wasmInstances } from '../wasm-instances.js'
import { HUFFMAN_ENTRIES, setHuffmanTable } from '../zstd-format/huffman-code.js'
import {
  BLOCK,
  BLOCK_FUNCTIONS,
  type BlockFunctions,
  FIRST_OFFSETS,
  KNOWN_CODE,
  MEMORY_BYTES,
  WINDOW
} from './zstd-block-functions.js'
import { type LiteralsReader, readLiterals } from './zstd-literals.js'
import { putReadyTables, readSequencesHeader } from './zstd-sequence-tables.js'

const instance = wasmInstances<BlockFunctions>('Zstandard with a dictionary', BLOCK_FUNCTIONS, MEMORY_BYTES)

/**
 * Restores small values from compressed blocks of Zstandard (RFC 8878, 3.1.1.3), each the only one of its frame, with a dictionary. The
 * dictionary is prepared once: libzstd's WebAssembly build does that for every value, which takes longer than to restore the value. A decoder
 * has memory of its own, about 250 KiB and the dictionary.
 */
export class ZstdBlockDecoder {
  readonly #memory: Buffer
  readonly #restore: BlockFunctions['restore']
  readonly #literals: LiteralsReader
  /** Where values begin: after the dictionary's content. */
  readonly #base: number
  readonly #hasTables: boolean

  /**
   * @param dictionary in Zstandard's format, or any bytes. It is copied
   * @throws LEVEL_CORRUPTION if it begins with the format's magic number, and its tables are damaged
   * @throws LEVEL_NOT_SUPPORTED if WebAssembly is switched off, or gets no memory
   */
  constructor(dictionary: Uint8Array) {
    const parsed = parseDictionary(dictionary)
    const content = parsed?.content ?? dictionary
    const { memory, restore, readStream } = instance(content.length)
    this.#memory = Buffer.from(memory.buffer)
    this.#restore = restore
    this.#base = WINDOW + content.length
    this.#hasTables = parsed !== undefined
    this.#literals = { memory: this.#memory, readStream, hasKnownCode: this.#hasTables }

    this.#memory.set(content, WINDOW)
    const offsets = parsed?.repeatOffsets ?? FIRST_REPEATS
    offsets.forEach((offset, i) => this.#memory.writeUInt32LE(offset, FIRST_OFFSETS + 4 * i))
    if (parsed) setHuffmanTable(new Uint16Array(memory.buffer, KNOWN_CODE, HUFFMAN_ENTRIES), parsed.huffmanCode)
    putReadyTables(this.#memory, parsed)
  }

  /**
   * @param block at most as long as the value
   * @param rawLength the length of the value, below DICTIONARY_VALUE_LIMIT
   * @throws LEVEL_CORRUPTION if the block does not unfold to exactly that many bytes
   */
  decode(block: Uint8Array, rawLength: number): Buffer {
    if (block.length > DICTIONARY_VALUE_LIMIT || rawLength >= DICTIONARY_VALUE_LIMIT)
      throw corruption('a block that is longer than any small value')
    const memory = this.#memory
    const [base, end] = [this.#base, this.#base + rawLength]
    memory.set(block, BLOCK)
    const blockEnd = BLOCK + block.length
    const literals = readLiterals(this.#literals, blockEnd, rawLength)
    const { count, tables, streamAt } = readSequencesHeader(memory, literals.sectionEnd, blockEnd, this.#hasTables)
    const isRestored = this.#restore(
      count,
      streamAt,
      blockEnd,
      tables.literalLengths,
      tables.offsets,
      tables.matchLengths,
      literals.at,
      literals.at + literals.bytes,
      base,
      end
    )
    if (!isRestored) throw corruption('a block that does not fit the length of its value or its dictionary')
    const value = Buffer.allocUnsafe(rawLength)
    memory.copy(value, 0, base, end)
    return value
  }
}
