import { corruption } from '../../errors.js'
import { readDistribution } from '../zstd-format/fse-distribution.js'
import {
  PREDEFINED_LITERAL_LENGTHS,
  PREDEFINED_MATCH_LENGTHS,
  PREDEFINED_OFFSETS
} from '../zstd-format/predefined-distributions.js'
import {
  LITERAL_LENGTHS,
  MATCH_LENGTHS,
  OFFSETS,
  type SequenceField,
  type SequenceTable,
  sequenceTable,
  tableOfOne
} from '../zstd-format/sequence-table.js'

/** What decodes the sequences of a block. */
export interface SequenceTables {
  readonly literalLengths: SequenceTable
  readonly offsets: SequenceTable
  readonly matchLengths: SequenceTable
}

/** Sequences of a block, before they are read. */
export interface SequencesHeader {
  readonly count: number
  /** Of no meaning where there are none. */
  readonly tables: SequenceTables | undefined
  /** Where their bit stream begins. */
  readonly streamAt: number
}

/** RFC 8878, 3.1.1.3.2.1: the first byte of a count says how many there are. */
const TWO_BYTES = 128
const THREE_BYTES = 255
const MOST_IN_TWO_BYTES = (THREE_BYTES - TWO_BYTES) << 8

/** Two bits for each of the tables, and two that are reserved. */
const MODE_MASK = 3
const PREDEFINED = 0
const ONE_CODE = 1
const DESCRIBED = 2

const predefined: SequenceTables = {
  literalLengths: sequenceTable(PREDEFINED_LITERAL_LENGTHS, LITERAL_LENGTHS),
  offsets: sequenceTable(PREDEFINED_OFFSETS, OFFSETS),
  matchLengths: sequenceTable(PREDEFINED_MATCH_LENGTHS, MATCH_LENGTHS)
}

/** All three are the dictionary's: what our own encoder writes. */
const ALL_REPEATED = 0xfc

/**
 * Reads how the sequences of a block are written (RFC 8878, 3.1.1.3.2.1).
 *
 * @param bytes they begin at `at`, and the block ends at `end`
 * @param known the dictionary's tables, if it has any
 * @throws LEVEL_CORRUPTION
 */
export function readSequencesHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
  known: SequenceTables | undefined
): SequencesHeader {
  const first = at < end ? bytes[at]! : -1
  const countBytes = first < TWO_BYTES ? 1 : first < THREE_BYTES ? 2 : 3
  if (first < 0 || end - at < countBytes) throw corruption('a block that is cut short before its sequences')
  let count = first
  if (countBytes === 2) count = ((first - TWO_BYTES) << 8) + bytes[at + 1]!
  else if (countBytes === 3) count = bytes[at + 1]! + (bytes[at + 2]! << 8) + MOST_IN_TWO_BYTES
  at += countBytes
  if (count === 0) {
    if (at !== end) throw corruption('a block that goes on behind its literals')
    return { count, tables: undefined, streamAt: at }
  }
  if (at === end) throw corruption('sequences that are cut short')
  const modes = bytes[at++]!
  if (modes === ALL_REPEATED && known !== undefined) return { count, tables: known, streamAt: at }
  if (modes & MODE_MASK) throw corruption('reserved bits of a block')
  const descriptions = new TableDescriptions(bytes.subarray(0, end), at)
  const literalLengths = descriptions.next(
    modes >> 6,
    LITERAL_LENGTHS,
    predefined.literalLengths,
    known?.literalLengths
  )
  const offsets = descriptions.next((modes >> 4) & MODE_MASK, OFFSETS, predefined.offsets, known?.offsets)
  const matchMode = (modes >> 2) & MODE_MASK
  const matchLengths = descriptions.next(matchMode, MATCH_LENGTHS, predefined.matchLengths, known?.matchLengths)
  return { count, tables: { literalLengths, offsets, matchLengths }, streamAt: descriptions.at }
}

/** Descriptions of tables, one behind the other. */
class TableDescriptions {
  readonly #bytes: Uint8Array
  /** Of the next one. */
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** @param before the dictionary's, which is what the table "before" means in a frame of one block */
  next(mode: number, field: SequenceField, ready: SequenceTable, before: SequenceTable | undefined): SequenceTable {
    if (mode === PREDEFINED) return ready
    if (mode === ONE_CODE) return tableOfOne(this.#code(field), field)
    if (mode === DESCRIBED) {
      const { distribution, end } = readDistribution(this.#bytes, this.at, field.codes - 1, field.maxAccuracyLog)
      this.at = end
      return sequenceTable(distribution, field)
    }
    if (before === undefined) throw corruption('sequences that need the tables of a dictionary that has none')
    return before
  }

  #code({ codes }: SequenceField): number {
    const code = this.#bytes[this.at++]
    if (code === undefined || code >= codes) throw corruption('a code that no sequence has')
    return code
  }
}
