import {
  add,
  and,
  atMost,
  block,
  type Code,
  decrease,
  equal,
  type Expression,
  extend,
  go,
  goWhen,
  increase,
  less,
  load16,
  load32,
  load8,
  type Local,
  type Locals,
  loop,
  mul,
  or64,
  set,
  shl,
  shl64,
  shr,
  shr64,
  store64,
  sub,
  wasmFunction,
  when,
  leadingZeros
} from '../../wasm/assembler.js'
import {
  FREE,
  LITERAL_LENGTHS,
  MATCH_LENGTHS,
  MAX_VALUE_BYTES,
  OFFSET_VALUES
} from '../dictionary/matcher-functions.js'
import type { FseEncoder } from '../zstd-format/fse-encoder.js'
import type { HuffmanCode } from '../zstd-format/huffman-code.js'
import {
  LITERAL_LENGTH_BITS,
  LITERAL_LENGTHS_BY_BIT,
  literalLengthCode,
  MATCH_LENGTH_BITS,
  MATCH_LENGTHS_BY_BIT,
  matchLengthCode,
  MIN_MATCH_BYTES
} from '../zstd-format/zstd-codes.js'

/*
 * Writes what a matcher found, in the matcher's memory: literals by a Huffman code, and sequences by three tables (RFC 8878, 4.1 and 4.2). Decoders
 * read bit streams from their end, so what they read first is written last.
 */

/** An entry of LITERAL_CODES: a byte's code, and the code's length in bits. */
const LITERAL_CODE_BYTES = 4
const LITERAL_BITS_AT = 2

/** A table of sequences in memory: its accuracy log, a cell for each code, and the states of each code in order. */
const CELLS_AT = 16
const MAX_CODES = 64
const CELL_BYTES = 16
/** In a cell: see `bits` of {@link FseEncoder}. */
const BITS_AT = 0
const BITS_SHIFT = 16
/** Where the code's states are, less the smallest number that is left of a state without its low bits. */
const STATES_OF_CODE_AT = 4
/** The state to begin with. */
const FIRST_STATE_AT = 8
/** How many extra bits are written beside the code. */
const EXTRA_BITS_AT = 12
const STATES_AT = CELLS_AT + MAX_CODES * CELL_BYTES
const STATE_BYTES = 2
const TABLE_BYTES = STATES_AT + 512 * STATE_BYTES

/**
 * Where things lie in what the matcher leaves free:
 *
 *     +---------------+----------------------+--------------------+-----------------+---------+---------------+-------+
 *     | LITERAL_CODES | LITERAL_LENGTH_CODES | MATCH_LENGTH_CODES | LITERAL_LENGTHS | OFFSETS | MATCH_LENGTHS | BLOCK |
 *     +---------------+----------------------+--------------------+-----------------+---------+---------------+-------+
 *                      of the smaller numbers                      tables of sequences
 */
const LITERAL_CODES = FREE
const LITERAL_LENGTH_CODES = LITERAL_CODES + 256 * LITERAL_CODE_BYTES
const MATCH_LENGTH_CODES = LITERAL_LENGTH_CODES + LITERAL_LENGTHS_BY_BIT
const LITERAL_LENGTH_TABLE = MATCH_LENGTH_CODES + MATCH_LENGTHS_BY_BIT
const OFFSET_TABLE = LITERAL_LENGTH_TABLE + TABLE_BYTES
const MATCH_LENGTH_TABLE = OFFSET_TABLE + TABLE_BYTES
export const BLOCK = MATCH_LENGTH_TABLE + TABLE_BYTES
/** A block that is too long is only recognised when it is finished: a sequence takes up to 10 bytes, and may stand for 4. Writes are of 8 bytes. */
const MAX_BLOCK_BYTES = 3 * MAX_VALUE_BYTES + 64
export const CODER_BYTES = BLOCK + MAX_BLOCK_BYTES - FREE

/** How many literals are written at once. Each has at most 11 bits, and up to 7 bits are left from before. */
const LITERALS_AT_ONCE = 5

export interface CoderFunctions {
  /**
   * Writes a stream of literals.
   *
   * @param from the place of the first one
   * @param to where they end
   * @param at where in BLOCK the stream begins
   * @returns where it ends
   */
  readonly writeLiterals: (from: number, to: number, at: number) => number
  /** Writes the stream of the first `count` sequences, at least one, to `at` in BLOCK. @returns where it ends */
  readonly writeSequences: (count: number, at: number) => number
}

export const CODER_FUNCTIONS = [
  wasmFunction('writeLiterals', true, literalsWriter),
  wasmFunction('writeSequences', true, sequencesWriter)
]

export interface CoderTables {
  readonly literals: HuffmanCode
  readonly offsets: FseEncoder
  readonly matchLengths: FseEncoder
  readonly literalLengths: FseEncoder
}

/** Puts the tables of the encoder into the memory. */
export function putTables(memory: Buffer, { literals, offsets, matchLengths, literalLengths }: CoderTables): void {
  for (let byte = 0; byte < 256; byte++) {
    const at = LITERAL_CODES + LITERAL_CODE_BYTES * byte
    memory.writeUInt16LE(literals.codes[byte]!, at)
    memory.writeUInt16LE(literals.bits[byte]!, at + LITERAL_BITS_AT)
  }
  for (let length = 0; length < LITERAL_LENGTHS_BY_BIT; length++)
    memory[LITERAL_LENGTH_CODES + length] = literalLengthCode(length)
  for (let above = 0; above < MATCH_LENGTHS_BY_BIT; above++)
    memory[MATCH_LENGTH_CODES + above] = matchLengthCode(above + MIN_MATCH_BYTES)
  putTable(memory, LITERAL_LENGTH_TABLE, literalLengths, code => LITERAL_LENGTH_BITS[code] ?? 0)
  putTable(memory, MATCH_LENGTH_TABLE, matchLengths, code => MATCH_LENGTH_BITS[code] ?? 0)
  putTable(memory, OFFSET_TABLE, offsets, code => code)
}

function putTable(memory: Buffer, table: number, encoder: FseEncoder, extraBitsOf: (code: number) => number): void {
  memory.writeUInt32LE(encoder.accuracyLog, table)
  encoder.states.forEach((state, i) => memory.writeUInt16LE(state, table + STATES_AT + STATE_BYTES * i))
  encoder.bits.forEach((bits, code) => {
    const cell = table + CELLS_AT + CELL_BYTES * code
    memory.writeInt32LE(bits, cell + BITS_AT)
    memory.writeInt32LE(table + STATES_AT + STATE_BYTES * encoder.statesAt[code]!, cell + STATES_OF_CODE_AT)
    memory.writeUInt32LE(encoder.canWriteTo(code) ? encoder.begin(code) : 0, cell + FIRST_STATE_AT)
    memory.writeUInt32LE(extraBitsOf(code), cell + EXTRA_BITS_AT)
  })
}

/** Writes bits from `at` on, the lowest first. */
function bitWriter(at: Local, local: Locals['local']) {
  const pending = local('i64')
  const pendingBits = local('i32')
  return {
    /** @param value below 2^bits. Up to 57 bits may be added between two flushes */
    add: (value: Expression, bits: Expression): Code => [
      set(pending, or64(pending, shl64(extend(value), pendingBits))),
      increase(pendingBits, bits)
    ],
    /** Leaves up to 7 bits. */
    flush: [
      store64(at, pending),
      increase(at, shr(pendingBits, 3)),
      set(pending, shr64(pending, and(pendingBits, ~7))),
      set(pendingBits, and(pendingBits, 7))
    ] as Code,
    /** Ends a stream that is read from its end: the highest bit set in the last byte marks where it begins. Up to 56 bits may be left. */
    finish: [
      store64(at, or64(pending, shl64(extend(1), pendingBits))),
      increase(at, add(shr(pendingBits, 3), 1))
    ] as Code
  }
}

function highestBit(value: Expression): Code {
  return sub(31, leadingZeros(value))
}

function cellOf(table: number, code: Expression): Code {
  return add(table + CELLS_AT, mul(code, CELL_BYTES))
}

function literalsWriter({ parameter, local }: Locals): Code {
  const [from, to, at] = [parameter(), parameter(), parameter()]
  const code = local('i32')
  const writer = bitWriter(at, local)

  /** @param before how far before `to` the literal is */
  const writeLiteral = (before: number): Code => [
    set(code, add(LITERAL_CODES, shl(load8(sub(to, before)), 2))),
    writer.add(load16(code), load16(code, LITERAL_BITS_AT))
  ]
  return [
    loop(again =>
      when(atMost(add(from, LITERALS_AT_ONCE), to), [
        Array.from({ length: LITERALS_AT_ONCE }, (_, i) => writeLiteral(i + 1)),
        writer.flush,
        decrease(to, LITERALS_AT_ONCE),
        go(again)
      ])
    ),
    loop(again => when(less(from, to), [writeLiteral(1), decrease(to, 1), go(again)])),
    writer.finish,
    at
  ]
}

function sequencesWriter({ parameter, local }: Locals): Code {
  const [count, at] = [parameter(), parameter()]
  const writer = bitWriter(at, local)
  const [literalLength, aboveMinimum, offsetValue] = [local('i32'), local('i32'), local('i32')]
  const [literalCell, matchCell, offsetCell] = [local('i32'), local('i32'), local('i32')]
  const [literalState, matchState, offsetState] = [local('i32'), local('i32'), local('i32')]
  const bits = local('i32')

  /** Codes of smaller numbers are looked up; the code of a larger one follows from its highest bit. */
  const setCell = (
    cell: Local,
    table: number,
    number: Local,
    smaller: { readonly codes: number; readonly below: number; readonly codeOfHighestBit0: number }
  ): Code =>
    when(
      less(number, smaller.below),
      set(cell, cellOf(table, load8(add(smaller.codes, number)))),
      set(cell, cellOf(table, add(smaller.codeOfHighestBit0, highestBit(number))))
    )
  const readSequence: Code = [
    decrease(count, 1),
    set(literalLength, load16(add(LITERAL_LENGTHS, shl(count, 1)))),
    set(aboveMinimum, sub(load16(add(MATCH_LENGTHS, shl(count, 1))), MIN_MATCH_BYTES)),
    set(offsetValue, load32(add(OFFSET_VALUES, shl(count, 2)))),
    setCell(literalCell, LITERAL_LENGTH_TABLE, literalLength, {
      codes: LITERAL_LENGTH_CODES,
      below: LITERAL_LENGTHS_BY_BIT,
      codeOfHighestBit0: literalLengthCode(LITERAL_LENGTHS_BY_BIT) - Math.log2(LITERAL_LENGTHS_BY_BIT)
    }),
    setCell(matchCell, MATCH_LENGTH_TABLE, aboveMinimum, {
      codes: MATCH_LENGTH_CODES,
      below: MATCH_LENGTHS_BY_BIT,
      codeOfHighestBit0: matchLengthCode(MATCH_LENGTHS_BY_BIT + MIN_MATCH_BYTES) - Math.log2(MATCH_LENGTHS_BY_BIT)
    }),
    set(offsetCell, cellOf(OFFSET_TABLE, highestBit(offsetValue)))
  ]

  /** The range of numbers that a code stands for begins at a multiple of its size, so that the low bits of a number are its place in the range. */
  const addLowBits = (value: Expression, width: Expression): Code =>
    writer.add(and(value, sub(shl(1, width), 1)), width)
  const writeState = (state: Local, cell: Local): Code => [
    set(bits, shr(add(state, load32(cell, BITS_AT)), BITS_SHIFT)),
    addLowBits(state, bits),
    set(state, load16(add(load32(cell, STATES_OF_CODE_AT), shl(shr(state, bits), 1))))
  ]
  const writeExtraBits = (value: Expression, cell: Local): Code => [
    set(bits, load32(cell, EXTRA_BITS_AT)),
    addLowBits(value, bits)
  ]
  const endState = (state: Local, table: number): Code => [set(bits, load32(table)), addLowBits(state, bits)]

  return [
    readSequence,
    set(offsetState, load32(offsetCell, FIRST_STATE_AT)),
    set(matchState, load32(matchCell, FIRST_STATE_AT)),
    set(literalState, load32(literalCell, FIRST_STATE_AT)),
    block(done =>
      loop(again => [
        // 26 bits of states, and up to 13 of each length, after 7 that are left; then up to 31 of the offset.
        writeExtraBits(literalLength, literalCell),
        writeExtraBits(aboveMinimum, matchCell),
        writer.flush,
        writeExtraBits(offsetValue, offsetCell),
        writer.flush,
        goWhen(done, equal(count, 0)),
        readSequence,
        writeState(offsetState, offsetCell),
        writeState(matchState, matchCell),
        writeState(literalState, literalCell),
        go(again)
      ])
    ),
    // A state is one of the decoder's plus the size of the table: its low bits are the decoder's.
    endState(matchState, MATCH_LENGTH_TABLE),
    endState(offsetState, OFFSET_TABLE),
    endState(literalState, LITERAL_LENGTH_TABLE),
    writer.finish,
    at
  ]
}
