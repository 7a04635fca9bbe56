import {
  add,
  and,
  atLeast,
  atMost,
  block,
  type Code,
  decrease,
  equal,
  type Expression,
  finish,
  go,
  goWhen,
  greater,
  increase,
  isZero,
  leadingZeros,
  less,
  load16,
  load32,
  load64,
  load8,
  type Local,
  type Locals,
  loop,
  low32,
  notEqual,
  select,
  set,
  shl,
  shl64,
  shr,
  shr64,
  store8,
  sub,
  tee,
  wasmFunction,
  when
} from '../../wasm/assembler.js'
import { copy, copyMatch, COPY_SLACK_BYTES } from '../../wasm/copies.js'
import { DICTIONARY_VALUE_LIMIT } from '../codec.js'
import { CODE_BITS_MASK, HUFFMAN_ENTRIES } from '../zstd-format/huffman-code.js'
import { MAX_CODE_BITS } from '../zstd-format/huffman-weights.js'
import {
  CELL_BYTES,
  EXTRA_BITS_AT,
  MAX_CELLS,
  NEXT_STATE_AT,
  SMALLEST_AT,
  STATE_BITS_AT
} from '../zstd-format/sequence-table.js'
import { REPEAT_OFFSETS } from '../zstd-format/zstd-codes.js'

/*
 * The slow parts of restoring a compressed block of Zstandard (RFC 8878, 3.1.1.3): Huffman-coded literals, and sequences.
 *
 * Bit streams are read from their end (RFC 8878, 4.1): a position is a number of bits from the beginning of memory, and the bits below it are
 * still to be read. Reading past the stream's beginning yields other bytes of memory: a stream is known to be right only when reading ends
 * exactly there.
 */

const U16_BYTES = 2
const I32_BYTES = 4

/** A table of sequences in memory: its accuracy log, and its cells. */
export const CELLS_AT = 8
const TABLE_BYTES = CELLS_AT + MAX_CELLS * CELL_BYTES
/** Where in a set of tables its three tables are. */
export const LITERAL_LENGTH_TABLE = 0
export const OFFSET_TABLE = LITERAL_LENGTH_TABLE + TABLE_BYTES
export const MATCH_LENGTH_TABLE = OFFSET_TABLE + TABLE_BYTES
const SET_BYTES = MATCH_LENGTH_TABLE + TABLE_BYTES

/**
 * Where things lie in memory:
 *
 *     +--------+------+-------+------------+-----+---------+-------+----------+--------+
 *     | KNOWN_ | OWN_ | KNOWN | PREDEFINED | OWN | OFFSETS | BLOCK | LITERALS | WINDOW |
 *     +--------+------+-------+------------+-----+---------+-------+----------+--------+
 *      Huffman codes   tables of sequences        first three                  the dictionary's content, the value
 *
 * KNOWN are the dictionary's code and tables, OWN are those that a block describes.
 */
export const KNOWN_CODE = 0
export const OWN_CODE = KNOWN_CODE + HUFFMAN_ENTRIES * U16_BYTES
export const KNOWN_TABLES = OWN_CODE + HUFFMAN_ENTRIES * U16_BYTES
export const PREDEFINED_TABLES = KNOWN_TABLES + SET_BYTES
export const OWN_TABLES = PREDEFINED_TABLES + SET_BYTES
export const FIRST_OFFSETS = OWN_TABLES + SET_BYTES
export const BLOCK = FIRST_OFFSETS + REPEAT_OFFSETS * I32_BYTES
export const LITERALS = BLOCK + DICTIONARY_VALUE_LIMIT + COPY_SLACK_BYTES
export const WINDOW = LITERALS + DICTIONARY_VALUE_LIMIT + COPY_SLACK_BYTES
/** All memory but the content's. */
export const MEMORY_BYTES = WINDOW + DICTIONARY_VALUE_LIMIT + COPY_SLACK_BYTES

/** How many bits one read of eight bytes gives at least. */
const BITS_AT_ONCE = 57
/** How many codes of literals these bits hold at least. */
const CODES_AT_ONCE = Math.floor(BITS_AT_ONCE / MAX_CODE_BITS)
/** The most bits of the next three states. */
const MAX_STATE_BITS = 9 + 9 + 8
/** One read gives all extra bits of a sequence if its offset has no more than this many: lengths have up to 16 each. No dictionary needs more. */
const MAX_OFFSET_BITS = BITS_AT_ONCE - 16 - 16

export interface BlockFunctions {
  /**
   * Restores literals from a stream.
   *
   * @param code where the Huffman code is
   * @param from where in BLOCK the stream begins
   * @param to where it ends
   * @param at where in LITERALS they go
   * @returns whether the stream is `count` of them, and no more
   */
  readonly readStream: (code: number, from: number, to: number, at: number, count: number) => number
  /**
   * Restores a value. Its caller has checked that it fits into WINDOW.
   *
   * @param count how many sequences there are; if 0, the next five parameters are ignored
   * @param from where in BLOCK their stream begins
   * @param to where it ends
   * @param literalLengths where the table of literal lengths is; `offsets` and `matchLengths` say the same of the other tables
   * @param literals where the literals begin
   * @param literalsEnd where they end
   * @param base where in WINDOW the value begins, after the content
   * @param end where it ends
   * @returns whether the block is that of a value of this length
   */
  readonly restore: (
    count: number,
    from: number,
    to: number,
    literalLengths: number,
    offsets: number,
    matchLengths: number,
    literals: number,
    literalsEnd: number,
    base: number,
    end: number
  ) => number
}

const REFUSE = finish(0)

export const BLOCK_FUNCTIONS = [wasmFunction('readStream', true, streamReader), wasmFunction('restore', true, restorer)]

/** Sets a position to the end of a stream: to the highest bit that is set in its last byte. */
function setStreamEnd(position: Local, from: Local, to: Local): Code {
  return [
    when(atMost(to, from), REFUSE),
    set(position, load8(sub(to, 1))),
    when(isZero(position), REFUSE),
    set(position, sub(add(shl(to, 3), 23), leadingZeros(position)))
  ]
}

/** Sets an i64 to the bits below a position, at least {@link BITS_AT_ONCE}. The next bit to read is the highest. */
function setBits(bits: Local, position: Local): Code {
  const end = shr(add(position, 7), 3)
  return set(bits, shl64(load64(sub(end, 8)), sub(shl(end, 3), position)))
}

function streamReader({ parameter, local }: Locals): Code {
  const [code, from, to, at, count] = [parameter(), parameter(), parameter(), parameter(), parameter()]
  const [begin, position, end] = [local('i32'), local('i32'), local('i32')]
  const [entry, used] = [local('i32'), local('i32')]
  const bits = local('i64')

  const highest = low32(shr64(bits, 64 - MAX_CODE_BITS))
  /** An entry holds the byte, and below it the length of its code. It is shifted by as it is: of that only the lowest six bits count. */
  const readByte = (i: number): Code => [
    set(entry, load16(add(code, shl(highest, 1)))),
    set(bits, shl64(bits, entry)),
    store8(at, shr(entry, 8), i),
    increase(used, entry)
  ]
  const readBytes = (bytes: number): Code => [
    setBits(bits, position),
    set(used, 0),
    Array.from({ length: bytes }, (_, i) => readByte(i)),
    increase(at, bytes),
    // The lengths add up to less than 64: their sum stays in the lowest bits of the sum of entries.
    decrease(position, and(used, CODE_BITS_MASK))
  ]
  return [
    setStreamEnd(position, from, to),
    set(begin, shl(from, 3)),
    set(end, add(at, count)),
    loop(again =>
      when(and(atMost(add(at, CODES_AT_ONCE), end), atLeast(position, begin)), [readBytes(CODES_AT_ONCE), go(again)])
    ),
    loop(again => when(and(less(at, end), atLeast(position, begin)), [readBytes(1), go(again)])),
    and(equal(at, end), equal(position, begin))
  ]
}

function restorer({ parameter, local }: Locals): Code {
  const [count, from, to] = [parameter(), parameter(), parameter()]
  const [literalLengths, offsets, matchLengths] = [parameter(), parameter(), parameter()]
  const [literals, literalsEnd, out, end] = [parameter(), parameter(), parameter(), parameter()]
  const [begin, position, taken] = [local('i32'), local('i32'), local('i32')]
  const bits = local('i64')
  const [literalCell, offsetCell, matchCell] = [local('i32'), local('i32'), local('i32')]
  const [literalLength, matchLength, offsetValue] = [local('i32'), local('i32'), local('i32')]
  const [offset, offset1, offset2, offset3] = [local('i32'), local('i32'), local('i32'), local('i32')]
  const [width, place, source, i] = [local('i32'), local('i32'), local('i32'), local('i32')]

  /** The next `width` bits. They are got by two shifts: for a width of 0, one shift would have to be by 64, which does nothing. */
  const take = (): Code => low32(shr64(shr64(bits, 1), sub(63, width)))
  const skip: Code = [set(bits, shl64(bits, width)), increase(taken, width)]
  const setCell = (cell: Local, table: Local, base: Expression): Code => [
    set(cell, add(add(table, CELLS_AT), shl(add(base, take()), 3))),
    skip
  ]
  const setFirstCell = (cell: Local, table: Local): Code => [set(width, load32(table)), setCell(cell, table, 0)]
  const setNextCell = (cell: Local, table: Local): Code => [
    set(width, load8(cell, STATE_BITS_AT)),
    setCell(cell, table, load16(cell, NEXT_STATE_AT))
  ]
  const setNumber = (number: Local, cell: Local): Code => [
    set(width, load8(cell, EXTRA_BITS_AT)),
    set(number, add(load32(cell, SMALLEST_AT), take())),
    skip
  ]
  const beginTaking: Code = [setBits(bits, position), set(taken, 0)]

  const readSequence: Code = [
    beginTaking,
    when(greater(load8(offsetCell, EXTRA_BITS_AT), MAX_OFFSET_BITS), REFUSE),
    setNumber(offsetValue, offsetCell),
    setNumber(matchLength, matchCell),
    setNumber(literalLength, literalCell),
    when(less(decreased(position, taken), begin), REFUSE)
  ]
  const readStates: Code = [
    when(greater(taken, BITS_AT_ONCE - MAX_STATE_BITS), setBits(bits, position)),
    set(taken, 0),
    setNextCell(literalCell, literalLengths),
    setNextCell(matchCell, matchLengths),
    setNextCell(offsetCell, offsets),
    decrease(position, taken)
  ]

  /** RFC 8878, 3.1.1.5: the values 1 to 3 stand for the last three offsets, which without literals are counted from the second on. */
  const setOffset: Code = block(done => [
    when(
      greater(offsetValue, REPEAT_OFFSETS),
      [set(offset, sub(offsetValue, REPEAT_OFFSETS))],
      [
        set(place, add(offsetValue, isZero(literalLength))),
        set(offset, offset1),
        goWhen(done, equal(place, 1)),
        when(equal(place, 2), [set(offset, offset2), set(offset2, offset1), set(offset1, offset), go(done)]),
        set(offset, select(equal(place, 3), offset3, sub(offset1, 1)))
      ]
    ),
    set(offset3, offset2),
    set(offset2, offset1),
    set(offset1, offset)
  ])

  const copySequence: Code = [
    when(greater(literalLength, sub(literalsEnd, literals)), REFUSE),
    when(greater(add(literalLength, matchLength), sub(end, out)), REFUSE),
    copy(out, literals, literalLength, i),
    increase(out, literalLength),
    increase(literals, literalLength),
    // Less 1, an offset of 0 becomes the largest number, and is refused.
    when(atLeast(sub(offset, 1), sub(out, WINDOW)), REFUSE),
    set(source, sub(out, offset)),
    copyMatch(out, source, matchLength, offset, i),
    increase(out, matchLength)
  ]

  return [
    when(count, [
      set(offset1, load32(FIRST_OFFSETS)),
      set(offset2, load32(FIRST_OFFSETS, I32_BYTES)),
      set(offset3, load32(FIRST_OFFSETS, 2 * I32_BYTES)),
      setStreamEnd(position, from, to),
      set(begin, shl(from, 3)),
      beginTaking,
      setFirstCell(literalCell, literalLengths),
      setFirstCell(offsetCell, offsets),
      setFirstCell(matchCell, matchLengths),
      decrease(position, taken),
      block(done =>
        loop(again => [
          readSequence,
          setOffset,
          copySequence,
          decrease(count, 1),
          goWhen(done, isZero(count)),
          readStates,
          go(again)
        ])
      ),
      when(notEqual(position, begin), REFUSE)
    ]),
    when(notEqual(sub(end, out), sub(literalsEnd, literals)), REFUSE),
    set(literalLength, sub(end, out)),
    copy(out, literals, literalLength, i),
    finish(1)
  ]
}

/** Decreases a local; the expression's value is the new one. */
function decreased(local: Local, by: Expression): Code {
  return tee(local, sub(local, by))
}
