import { corruption } from '../../errors.js'
import type { ParsedDictionary } from '../dictionary/dictionary-format.js'
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
import {
  CELLS_AT,
  KNOWN_TABLES,
  LITERAL_LENGTH_TABLE,
  MATCH_LENGTH_TABLE,
  OFFSET_TABLE,
  OWN_TABLES,
  PREDEFINED_TABLES
} from './zstd-block-functions.js'

/** Where the tables are that decode the sequences of a block. */
interface SequenceTables {
  readonly literalLengths: number
  readonly offsets: number
  readonly matchLengths: number
}

/** The header of a block's sequences. */
interface SequencesHeader {
  readonly count: number
  /** Meaningless if `count` is 0, like {@link streamAt}. */
  readonly tables: SequenceTables
  /** Where the bit stream of the sequences begins. */
  readonly streamAt: number
}

/** RFC 8878, 3.1.1.3.2.1: the first byte of the count of sequences says how many bytes the count has. */
const TWO_BYTES = 128
const THREE_BYTES = 255
const MOST_IN_TWO_BYTES = (THREE_BYTES - TWO_BYTES) << 8

/** Modes are two bits for each of the tables, and two reserved ones. The fourth mode is a table that is known already. */
const MODE_MASK = 3
const MODE_PREDEFINED = 0
const MODE_ONE_CODE = 1
const MODE_DESCRIBED = 2

const PREDEFINED_BY_FIELD = {
  literalLengths: sequenceTable(PREDEFINED_LITERAL_LENGTHS, LITERAL_LENGTHS),
  offsets: sequenceTable(PREDEFINED_OFFSETS, OFFSETS),
  matchLengths: sequenceTable(PREDEFINED_MATCH_LENGTHS, MATCH_LENGTHS)
}

const KNOWN = tablesAt(KNOWN_TABLES)
const PREDEFINED = tablesAt(PREDEFINED_TABLES)
const OWN = tablesAt(OWN_TABLES)

function tablesAt(set: number): SequenceTables {
  return {
    literalLengths: set + LITERAL_LENGTH_TABLE,
    offsets: set + OFFSET_TABLE,
    matchLengths: set + MATCH_LENGTH_TABLE
  }
}

function putTable(memory: Buffer, at: number, { accuracyLog, cells }: SequenceTable): void {
  memory.writeUInt32LE(accuracyLog, at)
  memory.set(cells, at + CELLS_AT)
}

/** Puts those tables into the memory that blocks need not describe: the predefined ones, and the dictionary's. */
export function putReadyTables(memory: Buffer, dictionary: ParsedDictionary | undefined): void {
  for (const field of ['literalLengths', 'offsets', 'matchLengths'] as const)
    putTable(memory, PREDEFINED[field], PREDEFINED_BY_FIELD[field])
  if (dictionary === undefined) return
  putTable(memory, KNOWN.literalLengths, sequenceTable(dictionary.literalLengthCodes, LITERAL_LENGTHS))
  putTable(memory, KNOWN.offsets, sequenceTable(dictionary.offsetCodes, OFFSETS))
  putTable(memory, KNOWN.matchLengths, sequenceTable(dictionary.matchLengthCodes, MATCH_LENGTHS))
}

/** All three tables are the dictionary's. This is what our own encoder writes. */
const ALL_REPEATED = 0xfc

/**
 * Reads how the sequences of a block are written (RFC 8878, 3.1.1.3.2.1), and puts the tables that the block describes into the memory.
 *
 * @param memory has the tables of {@link putReadyTables}; the sequences begin at `at`, and the block ends at `end`
 * @param areKnown whether the dictionary has tables
 * @throws LEVEL_CORRUPTION
 */
export function readSequencesHeader(memory: Buffer, at: number, end: number, areKnown: boolean): SequencesHeader {
  const first = at < end ? memory[at]! : -1
  const countBytes = first < TWO_BYTES ? 1 : first < THREE_BYTES ? 2 : 3
  if (first < 0 || end - at < countBytes) throw corruption('a block that is cut short before its sequences')
  let count = first
  if (countBytes === 2) count = ((first - TWO_BYTES) << 8) + memory[at + 1]!
  else if (countBytes === 3) count = memory[at + 1]! + (memory[at + 2]! << 8) + MOST_IN_TWO_BYTES
  at += countBytes
  if (count === 0) {
    if (at !== end) throw corruption('a block that goes on after its literals')
    return { count, tables: PREDEFINED, streamAt: at }
  }
  if (at === end) throw corruption('sequences that are cut short')
  const modes = memory[at++]!
  if (modes === ALL_REPEATED && areKnown) return { count, tables: KNOWN, streamAt: at }
  if (modes & MODE_MASK) throw corruption('reserved bits of a block')
  const descriptions = new TableDescriptions(memory, at, end, areKnown)
  const tables = {
    literalLengths: descriptions.next(modes >> 6, LITERAL_LENGTHS, 'literalLengths'),
    offsets: descriptions.next((modes >> 4) & MODE_MASK, OFFSETS, 'offsets'),
    matchLengths: descriptions.next((modes >> 2) & MODE_MASK, MATCH_LENGTHS, 'matchLengths')
  }
  return { count, tables, streamAt: descriptions.at }
}

/** Reads descriptions of tables, one after another. */
class TableDescriptions {
  readonly #memory: Buffer
  /** The memory up to the end of the block. */
  readonly #bytes: Uint8Array
  readonly #areKnown: boolean
  /** Where the next description begins. */
  at: number

  constructor(memory: Buffer, at: number, end: number, areKnown: boolean) {
    this.#memory = memory
    this.#bytes = memory.subarray(0, end)
    this.#areKnown = areKnown
    this.at = at
  }

  next(mode: number, field: SequenceField, name: keyof SequenceTables): number {
    if (mode === MODE_PREDEFINED) return PREDEFINED[name]
    if (mode === MODE_ONE_CODE) {
      putTable(this.#memory, OWN[name], tableOfOne(this.#code(field), field))
      return OWN[name]
    }
    if (mode === MODE_DESCRIBED) {
      const { distribution, end } = readDistribution(this.#bytes, this.at, field.codes - 1, field.maxAccuracyLog)
      this.at = end
      putTable(this.#memory, OWN[name], sequenceTable(distribution, field))
      return OWN[name]
    }
    // The fourth mode is the table of the block before. In a frame of one block that is the dictionary's.
    if (!this.#areKnown) throw corruption('sequences that need the tables of a dictionary that has none')
    return KNOWN[name]
  }

  #code({ codes }: SequenceField): number {
    const code = this.#bytes[this.at++]
    if (code === undefined || code >= codes) throw corruption('a code that no sequence has')
    return code
  }
}
