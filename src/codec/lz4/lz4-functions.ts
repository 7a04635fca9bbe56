import {
  add,
  and,
  atLeast,
  block,
  type Code,
  decrease,
  equal,
  type Expression,
  fill,
  finish,
  go,
  goWhen,
  greater,
  increase,
  isZero,
  less,
  load16,
  load32,
  load8,
  type Local,
  type Locals,
  loop,
  mul,
  notEqual,
  or,
  select,
  set,
  shl,
  shr,
  store16,
  store8,
  sub,
  tee,
  UNREACHABLE,
  wasmFunction,
  type WasmFunction,
  when
} from '../../wasm/assembler.js'
import { copy, copyMatch, COPY_SLACK_BYTES } from '../../wasm/copies.js'
import { skipEqual } from '../../wasm/equal-bytes.js'

/*
 * LZ4 blocks (github.com/lz4/lz4, doc/lz4_Block_format.md), written and read in WebAssembly.
 *
 *     block: sequences of token (literals << 4 | match length - 4), [literals ≥ 15: 255, …, rest], literals, offset u16,
 *            [match length ≥ 19: 255, …, rest]; the last one ends after its literals
 */

/** The longest value, in bytes: positions in it fit into 16 bits. */
export const MAX_VALUE_BYTES = 64 * 1024
/** The farthest an offset reaches back. */
export const MAX_OFFSET = 0xffff
/** The longest block of such a value: nothing but literals. */
export const MAX_BLOCK_BYTES = MAX_VALUE_BYTES + Math.ceil(MAX_VALUE_BYTES / 255) + 16

const MIN_MATCH = 4
/** No match begins in the last 12 bytes of a value, and none reaches into the last 5. */
const LAST_MATCH_BYTES = 12
const LAST_LITERALS = 5
/** A length that fills its four bits continues in bytes. */
const LONG = 15
const FULL_BYTE = 255

/** Hashes four bytes; the highest bits are the slot in a table. */
const HASH_FACTOR = 0x9e3779b1
const MAX_TABLE_BITS = 13
const DICTIONARY_BITS = 16
const POSITION_BYTES = 2
/** The most places in the dictionary that are compared with one place in a value. */
const MAX_TRIES = 6
/** After 2^SKIP_BITS places without a match the steps become longer, as in LZ4 itself. */
const SKIP_BITS = 6

/**
 * Where things lie in memory:
 *
 *     +-------+-------+-------+---------------------+-------+
 *     | TABLE | HEADS | CHAIN | WINDOW              | BLOCK |
 *     +-------+-------+-------+---------------------+-------+
 *                              dictionary, the value
 */
const TABLE = 0
/** By hash: one more than the last place in the dictionary, u16. */
export const HEADS = TABLE + 2 ** MAX_TABLE_BITS * POSITION_BYTES
/** By place in the dictionary: one more than the place before with the same hash, u16. */
export const CHAIN = HEADS + 2 ** DICTIONARY_BITS * POSITION_BYTES
export const WINDOW = CHAIN + (MAX_OFFSET + 1) * POSITION_BYTES
export const BLOCK = WINDOW + MAX_OFFSET + 1 + MAX_VALUE_BYTES + COPY_SLACK_BYTES
export const MEMORY_BYTES = BLOCK + MAX_BLOCK_BYTES + COPY_SLACK_BYTES

/** The slot in HEADS of four bytes, given as an i32. */
export function dictionaryHash(word: number): number {
  return Math.imul(word, HASH_FACTOR) >>> (32 - DICTIONARY_BITS)
}

/** The size of the table of places in a value, in bits of the hash. A smaller table is cleared sooner, and a short value needs no larger one. */
export function tableBits(valueBytes: number): number {
  return valueBytes < 1024 ? 10 : valueBytes < 4096 ? 11 : valueBytes < 16_384 ? 12 : MAX_TABLE_BITS
}

export interface Lz4Functions {
  /**
   * @param base where the value begins, in WINDOW; only `encodeWithDictionary` uses the bytes before
   * @param end where it ends
   * @param bits see {@link tableBits}
   * @returns where in BLOCK its block ends
   */
  readonly encode: (base: number, end: number, bits: number) => number
  readonly encodeWithDictionary: (base: number, end: number, bits: number) => number
  /**
   * @param blockEnd where in BLOCK the block ends
   * @param base where the value is to begin; before, from WINDOW on, is the dictionary
   * @param end where it may end
   * @returns where it ends; 0 if it is no block, or one of a longer value, or has offsets before WINDOW
   */
  readonly decode: (blockEnd: number, base: number, end: number) => number
}

export const LZ4_FUNCTIONS = [
  encoder('encode', false),
  encoder('encodeWithDictionary', true),
  wasmFunction('decode', true, decoder)
]

function encoder(name: keyof Lz4Functions, withDictionary: boolean): WasmFunction {
  return wasmFunction(name, true, ({ parameter, local }) => {
    const [base, end, bits] = [parameter(), parameter(), parameter()]
    const [at, literals, out, misses] = [local('i32'), local('i32'), local('i32'), local('i32')]
    const [word, hash, slot] = [local('i32'), local('i32'), local('i32')]
    // The match: how long it is, and where its bytes were before.
    const [matched, from] = [local('i32'), local('i32')]
    const [count, i, j] = [local('i32'), local('i32'), local('i32')]
    const [place, next, tries, length, last] = [local('i32'), local('i32'), local('i32'), local('i32'), local('i32')]
    const [lastMatch, matchEnd] = [local('i32'), local('i32')]
    const difference = local('i64')

    const remember = (position: Expression) => store16(slot, sub(position, base))
    const slotOf = (hashed: Expression) => add(TABLE, shl(shr(hashed, sub(32, bits)), 1))

    /** How many bytes at `at` and `position` are equal; the first `known` are. */
    const measure = (position: Expression, known: number, into: Local): Code => [
      set(i, add(at, known)),
      set(j, add(position, known)),
      skipEqual(i, j, matchEnd, difference),
      set(into, sub(i, at))
    ]

    const writeByte = (value: Expression): Code => [store8(out, value), increase(out, 1)]
    const writeRest = (value: Local): Code =>
      when(atLeast(value, LONG), [
        set(i, sub(value, LONG)),
        loop(again => when(atLeast(i, FULL_BYTE), [writeByte(FULL_BYTE), decrease(i, FULL_BYTE), go(again)])),
        writeByte(i)
      ])
    const writeLiterals = (to: Expression, matchBits: Expression): Code => [
      set(count, sub(to, literals)),
      writeByte(or(shl(fourBits(count), 4), matchBits)),
      writeRest(count),
      copy(out, literals, count, i),
      increase(out, count)
    ]

    const findInValue = (notFound: Code): Code => [
      when(or(notEqual(load32(from), word), atLeast(from, at)), notFound),
      measure(from, MIN_MATCH, matched)
    ]
    /** The longest match of those in the value and in the dictionary. */
    const findInBoth: Code = [
      set(matched, MIN_MATCH - 1),
      when(and(equal(load32(from), word), less(from, at)), [measure(from, MIN_MATCH, matched)]),
      // A longer match must have the last three bytes of the longest one so far, and then the byte after it.
      set(last, load32(add(at, sub(matched, MIN_MATCH - 1)))),
      set(next, load16(add(HEADS, shl(shr(hash, 32 - DICTIONARY_BITS), 1)))),
      set(tries, MAX_TRIES),
      block(done =>
        loop(again => [
          goWhen(done, or(isZero(next), isZero(tries))),
          set(place, add(WINDOW - 1, next)),
          goWhen(done, greater(sub(at, place), MAX_OFFSET)),
          when(equal(load32(add(place, sub(matched, MIN_MATCH - 1))), last), [
            measure(place, 0, length),
            when(greater(length, matched), [
              set(matched, length),
              set(from, place),
              set(last, load32(add(at, sub(matched, MIN_MATCH - 1))))
            ])
          ]),
          set(next, load16(add(CHAIN - POSITION_BYTES, shl(next, 1)))),
          decrease(tries, 1),
          go(again)
        ])
      )
    ]

    return [
      fill(TABLE, 0, shl(POSITION_BYTES, bits)),
      set(lastMatch, sub(end, LAST_MATCH_BYTES)),
      set(matchEnd, sub(end, LAST_LITERALS)),
      set(at, base),
      set(literals, base),
      set(out, BLOCK),
      set(misses, 1 << SKIP_BITS),
      block(done =>
        loop(again => {
          const step: Code = [increase(at, shr(misses, SKIP_BITS)), increase(misses, 1), go(again)]
          return [
            goWhen(done, greater(at, lastMatch)),
            set(hash, mul(tee(word, load32(at)), HASH_FACTOR)),
            set(slot, slotOf(hash)),
            set(from, add(base, load16(slot))),
            remember(at),
            withDictionary ? [findInBoth, when(less(matched, MIN_MATCH), step)] : findInValue(step),
            set(misses, 1 << SKIP_BITS),
            // The bytes before may match as well.
            loop(further =>
              when(and(greater(at, literals), greater(from, WINDOW)), [
                when(equal(load8(sub(at, 1)), load8(sub(from, 1))), [
                  decrease(at, 1),
                  decrease(from, 1),
                  increase(matched, 1),
                  go(further)
                ])
              ])
            ),
            set(length, sub(matched, MIN_MATCH)),
            writeLiterals(at, fourBits(length)),
            store16(out, sub(at, from)),
            increase(out, 2),
            writeRest(length),
            increase(at, matched),
            set(literals, at),
            goWhen(done, greater(at, lastMatch)),
            // One position of a match in the table is enough to find the match again.
            set(slot, slotOf(mul(load32(sub(at, 2)), HASH_FACTOR))),
            remember(sub(at, 2)),
            go(again)
          ]
        })
      ),
      writeLiterals(end, 0),
      out
    ]
  })
}

/** The part of a length that goes into a token. */
function fourBits(length: Expression): Code {
  return select(less(length, LONG), length, LONG)
}

function decoder({ parameter, local }: Locals): Code {
  const [blockEnd, base, end] = [parameter(), parameter(), parameter()]
  const [at, out, token, length, offset, from] = [
    local('i32'),
    local('i32'),
    local('i32'),
    local('i32'),
    local('i32'),
    local('i32')
  ]
  const [byte, i] = [local('i32'), local('i32')]
  const refuse = finish(0)

  const readByte = (into: Local): Code => [when(atLeast(at, blockEnd), refuse), set(into, load8(at)), increase(at, 1)]
  const readRest: Code = when(equal(length, LONG), [
    loop(again => [readByte(byte), increase(length, byte), goWhen(again, equal(byte, FULL_BYTE))])
  ])
  const refuseTooLong: Code = when(greater(length, sub(end, out)), refuse)

  return [
    set(at, BLOCK),
    set(out, base),
    loop(again => [
      readByte(token),
      set(length, shr(token, 4)),
      readRest,
      when(greater(length, sub(blockEnd, at)), refuse),
      refuseTooLong,
      copy(out, at, length, i),
      increase(at, length),
      increase(out, length),
      when(equal(at, blockEnd), finish(out)),

      when(less(sub(blockEnd, at), 2), refuse),
      set(offset, load16(at)),
      increase(at, 2),
      set(length, and(token, LONG)),
      readRest,
      increase(length, MIN_MATCH),
      set(from, sub(out, offset)),
      when(or(isZero(offset), less(from, WINDOW)), refuse),
      refuseTooLong,
      copyMatch(out, from, length, offset, i),
      increase(out, length),
      go(again)
    ]),
    UNREACHABLE
  ]
}
