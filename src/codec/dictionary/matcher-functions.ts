import {
  add,
  and,
  atMost,
  block,
  type Code,
  decrease,
  equal,
  equal64,
  type Expression,
  go,
  goWhen,
  greater,
  greaterSigned,
  increase,
  less,
  load32,
  load64,
  load8,
  type Local,
  type Locals,
  loop,
  mul,
  or,
  select,
  set,
  shl,
  shr,
  store16,
  store32,
  sub,
  wasmFunction,
  when,
  xor
} from '../../wasm/assembler.js'
import { copy, COPY_SLACK_BYTES } from '../../wasm/copies.js'
import { skipEqual } from '../../wasm/equal-bytes.js'
import { REPEAT_OFFSETS } from '../zstd-format/zstd-codes.js'

/*
 * Finds in values what Zstandard's levels 3 and 4 find with a dictionary: a match at the last offset, else one of 8 bytes or more, else one of 5, in
 * the value so far or in the dictionary's content. The content is indexed once, so that the time for a value depends only on its own length.
 */

/** The longest value. */
export const MAX_VALUE_BYTES = 16 * 1024
/** How many bytes of the content are indexed. The bits above a position hold more bits of its hash, so that few places are compared in vain. */
export const MAX_INDEXED_BYTES = 2 ** 20 - 1
const POSITION_BITS = 20
const POSITION_MASK = 2 ** POSITION_BITS - 1
/** The sizes, in bits of a hash, of the tables that find 8 and 5 equal bytes: in the content, and in the value itself. */
const CONTENT_HASH_BITS = 15
const VALUE_HASH_BITS = 11
export const LONG_BYTES = 8
/** The shortest match. It must be at an offset that is repeated: with a new one it would take as much as 4 literals, and longer to restore. */
const REPEAT_BYTES = 4
/** If nothing is found for 256 bytes, only every other position is looked up, after 256 more every third, and so on. */
const SKIP_SHIFT = 8
/** The most sequences of a value, since no match is shorter. */
export const MAX_SEQUENCES = MAX_VALUE_BYTES / REPEAT_BYTES

const HASH_FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d] as const

const I32_BYTES = 4
const U16_BYTES = 2

/**
 * Where things lie in memory:
 *
 *     +-------+--------+-------+--------+-----------------+---------------+---------------+----------+------+--------+
 *     | LONGS | SHORTS | LONGS | SHORTS | LITERAL_LENGTHS | MATCH_LENGTHS | OFFSET_VALUES | LITERALS | FREE | WINDOW |
 *     +-------+--------+-------+--------+-----------------+---------------+---------------+----------+------+--------+
 *      in the value     in the content   of the sequences that were found                                     content, the value
 *
 * FREE is for the encoder that writes what was found.
 */
const LONGS_IN_VALUE = 0
const SHORTS_IN_VALUE = LONGS_IN_VALUE + 2 ** VALUE_HASH_BITS * I32_BYTES
/** The size of the two tables of the value. They hold, for each hash, the last place that has it plus the stamp of that place's value. */
export const VALUE_TABLES_BYTES = SHORTS_IN_VALUE + 2 ** VALUE_HASH_BITS * I32_BYTES
/** By the highest bits of a hash: the next bits of the hash, and below them a position in the content plus one; 0 for none. */
const LONGS_IN_CONTENT = VALUE_TABLES_BYTES
const SHORTS_IN_CONTENT = LONGS_IN_CONTENT + 2 ** CONTENT_HASH_BITS * I32_BYTES
export const LITERAL_LENGTHS = SHORTS_IN_CONTENT + 2 ** CONTENT_HASH_BITS * I32_BYTES
export const MATCH_LENGTHS = LITERAL_LENGTHS + MAX_SEQUENCES * U16_BYTES
export const OFFSET_VALUES = MATCH_LENGTHS + MAX_SEQUENCES * U16_BYTES
export const LITERALS = OFFSET_VALUES + MAX_SEQUENCES * I32_BYTES
export const FREE = LITERALS + MAX_VALUE_BYTES + COPY_SLACK_BYTES
export const FREE_BYTES = 60 * 1024
export const WINDOW = FREE + FREE_BYTES
/** All memory but the content's. */
export const MEMORY_BYTES = WINDOW + MAX_VALUE_BYTES + COPY_SLACK_BYTES

/** What `parse` returns: the number of sequences, and below it the number of literals. */
export const COUNT_SHIFT = 16
export const LITERAL_BYTES_MASK = 2 ** COUNT_SHIFT - 1

export interface MatcherFunctions {
  /** Indexes positions of the content, `from` to before `to`, given as places in WINDOW. Each has {@link LONG_BYTES} before the content's end. */
  readonly index: (from: number, to: number) => void
  /**
   * @param begin where the value begins in WINDOW, after the content
   * @param end where it ends
   * @param stamp is added to the places that are kept: those of earlier values are smaller, and are recognised by that
   * @param offset1 to `offset3`: the offsets that were used last, the most recent first
   * @returns see {@link COUNT_SHIFT}
   */
  readonly parse: (
    begin: number,
    end: number,
    stamp: number,
    offset1: number,
    offset2: number,
    offset3: number
  ) => number
}

export const MATCHER_FUNCTIONS = [wasmFunction('index', false, indexer), wasmFunction('parse', true, parser)]

/** Sets the hashes of the 8 and the 5 bytes at a place. */
function setHashes(at: Expression, long: Local, short: Local): Code {
  const [first, second, third] = HASH_FACTORS
  return [
    set(short, mul(load32(at), first)),
    set(long, xor(short, mul(load32(at, 4), second))),
    set(long, mul(xor(long, shr(long, 15)), third)),
    set(short, xor(short, mul(load8(at, 4), second)))
  ]
}

function contentSlot(table: number, hash: Expression): Code {
  return add(table, shl(shr(hash, 32 - CONTENT_HASH_BITS), 2))
}

function valueSlot(table: number, hash: Expression): Code {
  return add(table, shl(shr(hash, 32 - VALUE_HASH_BITS), 2))
}

function tagOf(hash: Expression): Code {
  return and(shl(hash, CONTENT_HASH_BITS), ~POSITION_MASK)
}

function same4(a: Expression, b: Expression): Code {
  return equal(load32(a), load32(b))
}

function same5(a: Expression, b: Expression): Code {
  return and(same4(a, b), equal(load8(a, 4), load8(b, 4)))
}

function same8(a: Expression, b: Expression): Code {
  return equal64(load64(a), load64(b))
}

function indexer({ parameter, local }: Locals): Code {
  const [at, to] = [parameter(), parameter()]
  const [long, short] = [local('i32'), local('i32')]
  const enter = (table: number, hash: Local) => store32(contentSlot(table, hash), or(tagOf(hash), sub(at, WINDOW - 1)))
  return loop(again =>
    when(less(at, to), [
      setHashes(at, long, short),
      enter(LONGS_IN_CONTENT, long),
      enter(SHORTS_IN_CONTENT, short),
      increase(at, 1),
      go(again)
    ])
  )
}

function parser({ parameter, local }: Locals): Code {
  const [begin, end, stamp] = [parameter(), parameter(), parameter()]
  const [offset1, offset2, offset3] = [parameter(), parameter(), parameter()]
  const [at, last, literals] = [local('i32'), local('i32'), local('i32')]
  const [long, short, nextLong, nextShort] = [local('i32'), local('i32'), local('i32'), local('i32')]
  // The match: where it begins and ends, and where its bytes were before.
  const [from, to, source, shortSource] = [local('i32'), local('i32'), local('i32'), local('i32')]
  const [place, offset, value] = [local('i32'), local('i32'), local('i32')]
  const [count, literalsEnd, length, i] = [local('i32'), local('i32'), local('i32'), local('i32')]
  const difference = local('i64')

  const remember = (position: Expression, longHash: Local, shortHash: Local): Code => [
    set(place, add(position, stamp)),
    store32(valueSlot(LONGS_IN_VALUE, longHash), place),
    store32(valueSlot(SHORTS_IN_VALUE, shortHash), place)
  ]
  const rememberToo = (position: Expression): Code =>
    when(atMost(position, last), [setHashes(position, nextLong, nextShort), remember(position, nextLong, nextShort)])

  /** Sets `source` and continues with `found` if one of the two places with the same hash has the same bytes. */
  const find = (
    [inValue, inContent]: readonly [number, number],
    hash: Local,
    position: Local,
    isSame: (a: Expression, b: Expression) => Expression,
    found: Code
  ): Code => [
    set(place, sub(load32(valueSlot(inValue, hash)), stamp)),
    // Compared as a signed number: a place of an earlier value lies before this value, or below 0.
    when(greaterSigned(place, sub(begin, 1)), [when(isSame(position, place), [set(source, place), found])]),
    // If the tags are equal, only the position plus one is left. An empty slot, 0, becomes the largest number.
    set(place, sub(xor(load32(contentSlot(inContent, hash)), tagOf(hash)), 1)),
    when(less(place, POSITION_MASK), [
      increase(place, WINDOW),
      when(isSame(position, place), [set(source, place), found])
    ])
  ]
  const LONGS = [LONGS_IN_VALUE, LONGS_IN_CONTENT] as const
  const SHORTS = [SHORTS_IN_VALUE, SHORTS_IN_CONTENT] as const

  const findMatch: Code = block(found => [
    set(from, at),
    when(equal(at, literals), [set(source, sub(at, offset2)), goWhen(found, same4(at, source))]),
    when(less(at, last), [
      set(from, add(at, 1)),
      set(source, sub(from, offset1)),
      goWhen(found, same4(from, source)),
      set(from, at)
    ]),
    find(LONGS, long, at, same8, go(found)),
    block(foundShort => [find(SHORTS, short, at, same5, go(foundShort)), set(source, 0), go(found)]),
    when(less(at, last), [
      // One byte later there may be a longer match.
      set(shortSource, source),
      set(from, add(at, 1)),
      setHashes(from, nextLong, nextShort),
      find(LONGS, nextLong, from, same8, go(found)),
      set(from, at),
      set(source, shortSource)
    ])
  ])

  const measure: Code = [
    set(to, add(from, REPEAT_BYTES)),
    set(i, add(source, REPEAT_BYTES)),
    skipEqual(to, i, end, difference),
    // The bytes before may match as well.
    loop(again =>
      when(and(greater(from, literals), greater(source, WINDOW)), [
        when(equal(load8(sub(from, 1)), load8(sub(source, 1))), [decrease(from, 1), decrease(source, 1), go(again)])
      ])
    )
  ]

  const addLiterals = (until: Expression): Code => [
    set(length, sub(until, literals)),
    copy(literalsEnd, literals, length, i),
    increase(literalsEnd, length)
  ]

  /** One of the last three offsets is written as its rank, counted from the second if there are no literals (RFC 8878, 3.1.1.5). */
  const setOffsetValue: Code = [
    set(offset, sub(from, source)),
    set(value, add(offset, REPEAT_OFFSETS)),
    block(done => [
      when(
        equal(offset, offset1),
        [when(length, [set(value, 1), go(done)])],
        [
          when(equal(offset, offset2), [
            set(value, select(length, 2, 1)),
            set(offset2, offset1),
            set(offset1, offset),
            go(done)
          ]),
          when(equal(offset, offset3), [set(value, select(length, 3, 2))])
        ]
      ),
      set(offset3, offset2),
      set(offset2, offset1),
      set(offset1, offset)
    ])
  ]

  const addSequence: Code = [
    addLiterals(from),
    setOffsetValue,
    store16(add(LITERAL_LENGTHS, shl(count, 1)), length),
    store16(add(MATCH_LENGTHS, shl(count, 1)), sub(to, from)),
    store32(add(OFFSET_VALUES, shl(count, 2)), value),
    increase(count, 1)
  ]

  return [
    set(at, begin),
    set(literals, begin),
    set(literalsEnd, LITERALS),
    set(last, sub(end, LONG_BYTES)),
    loop(again =>
      when(atMost(at, last), [
        setHashes(at, long, short),
        findMatch,
        remember(at, long, short),
        when(source, [
          measure,
          addSequence,
          // As in Zstandard, two positions of a match in the tables are enough to find the match again.
          rememberToo(add(at, 2)),
          rememberToo(sub(to, 2)),
          set(at, to),
          set(literals, to),
          go(again)
        ]),
        increase(at, add(1, shr(sub(at, literals), SKIP_SHIFT))),
        go(again)
      ])
    ),
    addLiterals(end),
    or(shl(count, COUNT_SHIFT), sub(literalsEnd, LITERALS))
  ]
}
