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
const DICTIONARY_SHIFT = 32 - DICTIONARY_HASH_BITS
const VALUE_HASH_BITS = 12
const VALUE_SHIFT = 32 - VALUE_HASH_BITS
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
  #view: DataView
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
    this.#view = viewOf(this.#window)
    this.#history = new DictionaryWindow(this.#content)
    this.#chain = new Uint16Array(this.#content.length)
    for (let at = 0; at + MIN_MATCH <= this.#content.length; at++) {
      const hash = hashOf(this.#view.getInt32(at, true)) >>> DICTIONARY_SHIFT
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
      this.#view = viewOf(this.#window)
    }
    if (this.#output.length < bound(data.length)) this.#output = Buffer.allocUnsafeSlow(bound(data.length))
    this.#window.set(data, base)
    const length = this.#encode(base, end)
    return length < data.length ? Buffer.from(this.#output.subarray(0, length)) : undefined
  }

  #encode(base: number, end: number): number {
    const window = this.#window
    const view = this.#view
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
      const word = view.getInt32(at, true)
      const hash = hashOf(word)
      let longest = MIN_MATCH - 1
      let from = 0
      const valueHash = hash >>> VALUE_SHIFT
      const inValue = base + recent[valueHash]! - 1
      recent[valueHash] = at - base + 1
      if (inValue >= base && view.getInt32(inValue, true) === word) {
        longest = matchEndAt(view, inValue, at, matchEnd) - at
        from = inValue
      }
      // Only what goes on longer has the last bytes of the longest, and the one behind.
      let last = view.getInt32(at + longest - (MIN_MATCH - 1), true)
      let next = heads[hash >>> DICTIONARY_SHIFT]!
      for (let tries = MAX_TRIES; next !== 0 && tries > 0; tries--) {
        const place = next - 1
        if (at - place > MAX_OFFSET) break
        if (view.getInt32(place + longest - (MIN_MATCH - 1), true) === last) {
          const length = matchEndAt(view, place, at, matchEnd) - at
          if (length > longest) {
            longest = length
            from = place
            last = view.getInt32(at + longest - (MIN_MATCH - 1), true)
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

/** Of four bytes. */
function hashOf(word: number): number {
  return Math.imul(word, 0x9e3779b1)
}

/** Where what goes on equally from `from` and `at` on ends. */
function matchEndAt(view: DataView, from: number, at: number, end: number): number {
  for (const lastWord = end - 4; at <= lastWord; at += 4, from += 4) {
    const difference = view.getInt32(at, true) ^ view.getInt32(from, true)
    // The lowest bit that differs is in the first byte that does.
    if (difference !== 0) return at + ((31 - Math.clz32(difference & -difference)) >> 3)
  }
  for (; at < end && view.getUint8(from) === view.getUint8(at); at++) from++
  return at
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function writeLong(output: Uint8Array, out: number, rest: number): number {
  for (; rest >= 255; rest -= 255) output[out++] = 255
  output[out++] = rest
  return out
}

function damaged(): Error {
  return corruption('an LZ4 block that does not fit its length or its dictionary')
}
