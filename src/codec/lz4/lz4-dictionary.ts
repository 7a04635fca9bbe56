import { corruption } from '../../errors.js'
import { DICTIONARY_VALUE_LIMIT, type DictionaryCodec } from '../codec.js'
import { BLOCK_AT, enterBlock, roomBytes, roomView } from '../dictionary/block-room.js'
import { dictionaryContent } from '../dictionary/dictionary-format.js'
import { copyLiterals, copyMatch, DictionaryWindow } from '../dictionary/dictionary-window.js'

/*
 * LZ4 blocks (github.com/lz4/lz4, doc/lz4_Block_format.md) of small values behind a dictionary. In JavaScript, because where matches may
 * be found in the dictionary is worked out once: native code that does it for every value takes 8 µs with 4 KiB and 17 with 16 KiB.
 *
 *     block: sequences of token (literals << 4 | match length - 4), [literals ≥ 15: 255, …, rest], literals, offset u16,
 *            [match length ≥ 19: 255, …, rest]; the last one ends behind its literals
 */

const MIN_MATCH = 4
/** No match begins in the last 12 bytes of a block, and none reaches into the last 5. */
const LAST_MATCH_BYTES = 12
const LAST_LITERALS = 5
const MAX_OFFSET = 0xffff
/** A length that fills its four bits is gone on with in bytes. */
const LONG = 15

const DICTIONARY_HASH_BITS = 15
const VALUE_HASH_BITS = 12
/** Places in the dictionary that are looked at for one place in a value. */
const MAX_TRIES = 6
/** After so many places without a match the steps become longer, as in LZ4 itself. */
const SKIP_BITS = 6

// What is imported V8 looks up and checks at each use, what is this module's own it knows: a tenth of the time that a value takes.
const room = roomBytes
const roomWords = roomView
const copyOver = copyLiterals
const copyWithin = copyMatch

/** Bytes of a value of `length` at most. */
function bound(length: number): number {
  return length + Math.ceil(length / 255) + 16
}

export class Lz4Dictionary implements DictionaryCodec {
  /** The part of the dictionary that offsets reach. */
  readonly #content: Uint8Array
  /** The dictionary, then the value being compressed. */
  #window: Uint8Array
  /** By hash: one more than the last place in the dictionary. */
  readonly #heads = new Uint16Array(1 << DICTIONARY_HASH_BITS)
  /** By place: one more than the place before with the same hash. */
  readonly #chain: Uint16Array
  /** By hash: one more than the last place in the value. */
  readonly #recent = new Uint16Array(1 << VALUE_HASH_BITS)
  #output = Buffer.allocUnsafe(0)
  /** Where values are restored. */
  readonly #history: DictionaryWindow

  constructor(dictionary: Uint8Array) {
    this.#content = new Uint8Array(dictionaryContent(dictionary).subarray(-MAX_OFFSET))
    this.#window = this.#content
    this.#history = new DictionaryWindow(this.#content)
    this.#chain = new Uint16Array(this.#content.length)
    for (let at = 0; at + MIN_MATCH <= this.#content.length; at++) {
      const hash = hashAt(this.#content, at) >>> (32 - DICTIONARY_HASH_BITS)
      this.#chain[at] = this.#heads[hash]!
      this.#heads[hash] = at + 1
    }
  }

  compressSync(data: Uint8Array): Uint8Array | undefined {
    const base = this.#content.length
    const end = base + data.length
    if (this.#window.length < end) {
      this.#window = new Uint8Array(end)
      this.#window.set(this.#content)
    }
    if (this.#output.length < bound(data.length)) this.#output = Buffer.allocUnsafeSlow(bound(data.length))
    this.#window.set(data, base)
    const length = this.#encode(base, end)
    return length < data.length ? Buffer.from(this.#output.subarray(0, length)) : undefined
  }

  #encode(base: number, end: number): number {
    const window = this.#window
    const recent = this.#recent.fill(0)
    const heads = this.#heads
    const chain = this.#chain
    const lastMatch = end - LAST_MATCH_BYTES
    const matchEnd = end - LAST_LITERALS
    let at = base
    let literals = base
    let out = 0
    let misses = 1 << SKIP_BITS
    while (at <= lastMatch) {
      const hash = hashAt(window, at)
      let longest = MIN_MATCH - 1
      let from = 0
      const valueHash = hash >>> (32 - VALUE_HASH_BITS)
      const inValue = recent[valueHash]!
      recent[valueHash] = at - base + 1
      if (inValue !== 0) {
        const length = matchLength(window, base + inValue - 1, at, matchEnd)
        if (length > longest) {
          longest = length
          from = base + inValue - 1
        }
      }
      let tries = MAX_TRIES
      for (let next = heads[hash >>> (32 - DICTIONARY_HASH_BITS)]!; next !== 0 && tries > 0; tries--) {
        const place = next - 1
        if (at - place > MAX_OFFSET) break
        if (window[place + longest] === window[at + longest]) {
          const length = matchLength(window, place, at, matchEnd)
          if (length > longest) {
            longest = length
            from = place
          }
        }
        next = chain[place]!
      }
      if (longest < MIN_MATCH) {
        at += misses++ >> SKIP_BITS
        continue
      }
      misses = 1 << SKIP_BITS
      // What stands before may match as well.
      while (at > literals && from > 0 && window[at - 1] === window[from - 1]) {
        at--
        from--
        longest++
      }
      out = this.#writeSequence(out, literals, at, at - from, longest)
      at += longest
      literals = at
    }
    return this.#writeLiterals(out, literals, end, 0)
  }

  /** @returns where the next one is written */
  #writeSequence(out: number, literals: number, at: number, offset: number, matched: number): number {
    const output = this.#output
    const more = matched - MIN_MATCH
    out = this.#writeLiterals(out, literals, at, Math.min(more, LONG))
    output[out++] = offset & 0xff
    output[out++] = offset >>> 8
    return more >= LONG ? writeLong(output, out, more - LONG) : out
  }

  #writeLiterals(out: number, from: number, to: number, matchBits: number): number {
    const output = this.#output
    const window = this.#window
    const count = to - from
    output[out++] = (Math.min(count, LONG) << 4) | matchBits
    if (count >= LONG) out = writeLong(output, out, count - LONG)
    for (let i = from; i < to; i++) output[out++] = window[i]!
    return out
  }

  decompressSync(data: Uint8Array, rawLength: number): Buffer {
    if (rawLength >= DICTIONARY_VALUE_LIMIT) throw damaged()
    const end = enterBlock(data)
    this.#history.prepare(rawLength)
    const { base, bytes, view } = this.#history
    const valueEnd = base + rawLength
    let at = BLOCK_AT
    let to = base
    for (;;) {
      if (at >= end) throw damaged()
      const token = room[at++]!
      let count = token >>> 4
      if (count === LONG) {
        for (let more = 255; more === 255; count += more) {
          if (at >= end || count > rawLength) throw damaged()
          more = room[at++]!
        }
      }
      if (count > end - at || count > valueEnd - to) throw damaged()
      copyOver(roomWords, at, view, to, count)
      at += count
      to += count
      if (at === end) break
      if (end - at < 2) throw damaged()
      const from = to - roomWords.getUint16(at, true)
      at += 2
      let length = token & LONG
      if (length === LONG) {
        for (let more = 255; more === 255; length += more) {
          if (at >= end || length > rawLength) throw damaged()
          more = room[at++]!
        }
      }
      length += MIN_MATCH
      if (from === to || from < 0 || length > valueEnd - to) throw damaged()
      copyWithin(bytes, view, from, to, length)
      to += length
    }
    if (to !== valueEnd) throw damaged()
    return this.#history.value(rawLength)
  }
}

function hashAt(bytes: Uint8Array, at: number): number {
  return Math.imul(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24), 0x9e3779b1)
}

function matchLength(bytes: Uint8Array, from: number, at: number, end: number): number {
  const start = at
  while (at < end && bytes[from] === bytes[at]) {
    from++
    at++
  }
  return at - start
}

function writeLong(output: Uint8Array, out: number, rest: number): number {
  for (; rest >= 255; rest -= 255) output[out++] = 255
  output[out++] = rest
  return out
}

function damaged(): Error {
  return corruption('an LZ4 block that does not fit its length or its dictionary')
}
