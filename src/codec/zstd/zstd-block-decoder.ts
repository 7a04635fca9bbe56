import { corruption } from '../../errors.js'
import { enterBlock, roomBytes, roomView } from './zstd-block-room.js'
import { FIRST_REPEATS, parseDictionary } from '../dictionary/dictionary-format.js'
import { copyLiterals, copyMatch, DictionaryWindow } from './zstd-window.js'
import { BITS_AT_ONCE, streamEnd } from '../zstd-format/backward-stream.js'
import { HuffmanTable } from '../zstd-format/huffman-table.js'
import {
  EXTRA_BITS_SHIFT,
  LITERAL_LENGTHS,
  MATCH_LENGTHS,
  NEXT_STATE_MASK,
  OFFSETS,
  sequenceTable,
  STATE_BITS_MASK,
  STATE_BITS_SHIFT
} from '../zstd-format/sequence-table.js'
import { REPEAT_OFFSETS } from '../zstd-format/zstd-codes.js'
import { type Literals, readLiterals } from './zstd-literals.js'
import { readSequencesHeader, type SequencesHeader, type SequenceTables } from './zstd-sequence-tables.js'

// What is imported V8 looks up and checks at each use, what is this module's own it knows: 7 % of the time that a value takes.
const room = roomView
const copyOver = copyLiterals
const copyWithin = copyMatch
const EXTRA_SHIFT = EXTRA_BITS_SHIFT
const BITS_SHIFT = STATE_BITS_SHIFT
const BITS_MASK = STATE_BITS_MASK
const STATE_MASK = NEXT_STATE_MASK
const MAX_BITS = BITS_AT_ONCE
const REPEATS = REPEAT_OFFSETS

/**
 * Restores small values from compressed blocks of Zstandard (RFC 8878, 3.1.1.3), each the only one of its frame, with a dictionary. What there is
 * to be made of the dictionary is made once: libzstd's WebAssembly build does it for every value, which takes longer than restoring it.
 */
export class ZstdBlockDecoder {
  readonly #window: DictionaryWindow
  readonly #repeatOffsets: readonly [number, number, number]
  readonly #literals: HuffmanTable | undefined
  readonly #tables: SequenceTables | undefined

  /**
   * @param dictionary in Zstandard's format, or any bytes
   * @throws LEVEL_CORRUPTION if it begins as one in the format, and its tables are damaged
   */
  constructor(dictionary: Uint8Array) {
    const parsed = parseDictionary(dictionary)
    this.#window = new DictionaryWindow(parsed?.content ?? dictionary)
    this.#repeatOffsets = parsed?.repeatOffsets ?? FIRST_REPEATS
    if (parsed === undefined) return
    this.#literals = new HuffmanTable(parsed.huffmanCode)
    this.#tables = {
      literalLengths: sequenceTable(parsed.literalLengthCodes, LITERAL_LENGTHS),
      offsets: sequenceTable(parsed.offsetCodes, OFFSETS),
      matchLengths: sequenceTable(parsed.matchLengthCodes, MATCH_LENGTHS)
    }
  }

  /**
   * @param block at most as long as the value
   * @param rawLength of the value, below DICTIONARY_VALUE_LIMIT
   * @throws LEVEL_CORRUPTION if it does not unfold to exactly so many bytes
   */
  decode(block: Uint8Array, rawLength: number): Buffer {
    const end = enterBlock(block)
    const literals = readLiterals(end, rawLength, this.#literals)
    const sequences = readSequencesHeader(roomBytes, literals.sectionEnd, end, this.#tables)
    this.#window.prepare(rawLength)
    this.#restore(literals, sequences, end, rawLength)
    return this.#window.value(rawLength)
  }

  /** One loop, and its state in variables of its own: that is what makes it quick. */
  #restore(
    literals: Literals,
    { count, tables, streamAt }: SequencesHeader,
    blockEnd: number,
    rawLength: number
  ): void {
    const { bytes, view, base } = this.#window
    const end = base + rawLength
    const literalsEnd = literals.at + literals.bytes
    let literal = literals.at
    let to = base
    if (tables !== undefined) {
      const literalLengths = tables.literalLengths.cells
      const matchLengths = tables.matchLengths.cells
      const offsets = tables.offsets.cells
      let [offset1, offset2, offset3] = this.#repeatOffsets
      const begin = streamAt * 8
      let position = streamEnd(roomBytes, streamAt, blockEnd)
      position -= tables.literalLengths.accuracyLog
      let literalState = bitsAt(position, tables.literalLengths.accuracyLog)
      position -= tables.offsets.accuracyLog
      let offsetState = bitsAt(position, tables.offsets.accuracyLog)
      position -= tables.matchLengths.accuracyLog
      let matchState = bitsAt(position, tables.matchLengths.accuracyLog)
      for (let left = count; ;) {
        const literalCell = literalLengths[2 * literalState]!
        const matchCell = matchLengths[2 * matchState]!
        const offsetCell = offsets[2 * offsetState]!

        const offsetBits = offsetCell >>> EXTRA_SHIFT
        const matchBits = matchCell >>> EXTRA_SHIFT
        const literalBits = literalCell >>> EXTRA_SHIFT
        let offsetValue = 1 << offsetBits
        let matchLength = matchLengths[2 * matchState + 1]!
        let literalLength = literalLengths[2 * literalState + 1]!
        const extraBits = offsetBits + matchBits + literalBits
        if (extraBits <= MAX_BITS) {
          position -= extraBits
          const bits = room.getInt32(position >> 3, true) >> (position & 7)
          literalLength += bits & ((1 << literalBits) - 1)
          matchLength += (bits >> literalBits) & ((1 << matchBits) - 1)
          offsetValue += (bits >> (literalBits + matchBits)) & (offsetValue - 1)
        } else {
          // No dictionary is as long as that.
          if (offsetBits > MAX_BITS) throw corruption('an offset that points out of the dictionary')
          offsetValue += bitsAt((position -= offsetBits), offsetBits)
          matchLength += bitsAt((position -= matchBits), matchBits)
          literalLength += bitsAt((position -= literalBits), literalBits)
        }
        if (position < begin) throw corruption('sequences that are cut short')

        // RFC 8878, 3.1.1.5: 1 to 3 stand for offsets used before; without literals they are counted from the second on.
        let offset = offset1
        const place = literalLength === 0 ? offsetValue + 1 : offsetValue
        if (offsetValue > REPEATS) {
          offset = offsetValue - REPEATS
          offset3 = offset2
          offset2 = offset1
        } else if (place === 2) {
          offset = offset2
          offset2 = offset1
        } else if (place > 2) {
          offset = place === 3 ? offset3 : offset1 - 1
          offset3 = offset2
          offset2 = offset1
        }
        offset1 = offset

        const matchAt = to + literalLength
        const from = matchAt - offset
        if (literalLength > literalsEnd - literal || matchLength > end - matchAt || from < 0 || offset === 0)
          throw corruption('a sequence that goes beyond the value or the dictionary')
        copyOver(room, literal, view, to, literalLength)
        literal += literalLength
        copyWithin(bytes, view, from, matchAt, matchLength)
        to = matchAt + matchLength

        if (--left === 0) break
        const literalStateBits = (literalCell >> BITS_SHIFT) & BITS_MASK
        const matchStateBits = (matchCell >> BITS_SHIFT) & BITS_MASK
        const offsetStateBits = (offsetCell >> BITS_SHIFT) & BITS_MASK
        position -= literalStateBits + matchStateBits
        const bits = room.getInt32(position >> 3, true) >> (position & 7)
        matchState = (matchCell & STATE_MASK) + (bits & ((1 << matchStateBits) - 1))
        literalState = (literalCell & STATE_MASK) + ((bits >> matchStateBits) & ((1 << literalStateBits) - 1))
        position -= offsetStateBits
        offsetState = (offsetCell & STATE_MASK) + bitsAt(position, offsetStateBits)
      }
      if (position !== begin) throw corruption('sequences that are not all of their stream')
    }
    if (end - to !== literalsEnd - literal) throw corruption('a block that does not fit the length of its value')
    copyOver(room, literal, view, to, end - to)
  }
}

/** @param count at most {@link MAX_BITS} */
function bitsAt(position: number, count: number): number {
  return (room.getInt32(position >> 3, true) >> (position & 7)) & ((1 << count) - 1)
}
