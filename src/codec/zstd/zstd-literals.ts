import { corruption } from '../../errors.js'
import { HUFFMAN_ENTRIES, setHuffmanTable } from '../zstd-format/huffman-code.js'
import { descriptionBytes } from '../zstd-format/huffman-weights.js'
import { BLOCK, type BlockFunctions, KNOWN_CODE, LITERALS, OWN_CODE } from './zstd-block-functions.js'

/* The literals section of a block (RFC 8878, 3.1.1.3.1). */

/** Types of a section: bits 0 and 1 of its first byte. Bits 2 and 3 are the format of its sizes. Type 1, unnamed here, is one byte repeated. */
const RAW = 0
const COMPRESSED = 2
/** Compressed with the previous table, here the dictionary's. */
const TREELESS = 3

/** The jump table holds the sizes of three of the four streams; the fourth has the rest. */
const JUMP_TABLE_BYTES = 6

/** What literals are read with. */
export interface LiteralsReader {
  readonly memory: Buffer
  readonly readStream: BlockFunctions['readStream']
  /** Whether the dictionary has a code for literals, which is then at {@link KNOWN_CODE}. */
  readonly hasKnownCode: boolean
}

/** Where literals are, and where their section ends. */
interface Literals {
  readonly at: number
  readonly bytes: number
  readonly sectionEnd: number
}

/**
 * Reads the section that a block begins with.
 *
 * @param end where the block ends
 * @param rawLength the length of the value, which cannot have more literals
 * @throws LEVEL_CORRUPTION
 */
export function readLiterals(reader: LiteralsReader, end: number, rawLength: number): Literals {
  const { memory } = reader
  if (end === BLOCK) throw corruption('an empty block')
  const first = memory[BLOCK]!
  const type = first & 3
  const format = (first >> 2) & 3
  if (type === COMPRESSED || type === TREELESS) return readCompressed(reader, type, format, end, rawLength)

  const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1
  const at = BLOCK + headerBytes
  const header = memory.readUInt32LE(BLOCK)
  const bytes = headerBytes === 1 ? first >> 3 : (header & (2 ** (8 * headerBytes) - 1)) >> 4
  if (bytes > rawLength) throw corruption('more literals than the value has bytes')
  const sectionEnd = at + (type === RAW ? bytes : 1)
  if (sectionEnd > end) throw corruption('literals that are cut short')
  if (type === RAW) return { at, bytes, sectionEnd }
  memory.fill(memory[at]!, LITERALS, LITERALS + bytes)
  return { at: LITERALS, bytes, sectionEnd }
}

function readCompressed(
  reader: LiteralsReader,
  type: typeof COMPRESSED | typeof TREELESS,
  format: number,
  end: number,
  rawLength: number
): Literals {
  const { memory, hasKnownCode } = reader
  // Both sizes have 10, 10, 14 or 18 bits, after the four of type and format.
  const headerBytes = format === 3 ? 5 : format === 2 ? 4 : 3
  const sizeBits = format === 3 ? 18 : format === 2 ? 14 : 10
  const low = memory.readUInt32LE(BLOCK)
  const bytes = (low >>> 4) & (2 ** sizeBits - 1)
  const compressedBytes =
    format === 3 ? (low >>> 22) | (memory[BLOCK + 4]! << 10) : (low >>> (4 + sizeBits)) & (2 ** sizeBits - 1)
  if (bytes > rawLength) throw corruption('more literals than the value has bytes')
  let from = BLOCK + headerBytes
  const sectionEnd = from + compressedBytes
  if (sectionEnd > end) throw corruption('literals that are cut short')

  let code = KNOWN_CODE
  if (type === COMPRESSED) {
    code = OWN_CODE
    const length = descriptionBytes(memory[from]!)
    if (length > compressedBytes) throw corruption('a description of a code that is cut short')
    setHuffmanTable(new Uint16Array(memory.buffer, code, HUFFMAN_ENTRIES), memory.subarray(from, from + length))
    from += length
  } else if (!hasKnownCode) throw corruption('literals that need the table of a dictionary that has none')
  if (format === 0) readStream(reader, code, from, sectionEnd, LITERALS, bytes)
  else readFourStreams(reader, code, from, sectionEnd, bytes)
  return { at: LITERALS, bytes, sectionEnd }
}

/** Each of the first three streams has a quarter of the literals, rounded up, and the last stream has the rest. */
function readFourStreams(reader: LiteralsReader, code: number, from: number, to: number, bytes: number): void {
  const share = (bytes + 3) >> 2
  if (to - from < JUMP_TABLE_BYTES || 3 * share > bytes)
    throw corruption('literals that are not enough for four streams')
  let at = LITERALS
  let begin = from + JUMP_TABLE_BYTES
  for (let stream = 0; stream < 3; stream++, at += share) {
    const end = begin + reader.memory.readUInt16LE(from + 2 * stream)
    if (end > to) throw corruption('a stream of literals that is cut short')
    readStream(reader, code, begin, end, at, share)
    begin = end
  }
  readStream(reader, code, begin, to, at, bytes - 3 * share)
}

function readStream(reader: LiteralsReader, code: number, from: number, to: number, at: number, count: number): void {
  if (!reader.readStream(code, from, to, at, count)) throw corruption('a stream of literals that does not fit them')
}
