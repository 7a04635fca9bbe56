import type { Steps } from '../steps.js'
import type { Sequences } from '../zstd-format/zstd-sequences.js'

/** Bits of the tables that find 8 and 5 equal bytes: in the content, and in the value itself. */
const CONTENT_HASH_BITS = 15
const VALUE_HASH_BITS = 11
const CONTENT_SHIFT = 32 - CONTENT_HASH_BITS
const VALUE_SHIFT = 32 - VALUE_HASH_BITS
/** The content is looked at up to here, in bytes: the bits above a position hold others of its hash, so that few are found in vain. */
const MAX_CONTENT_BYTES = 2 ** 20 - 1
const POSITION_MASK = MAX_CONTENT_BYTES
const LONG_BYTES = 8
/** At least. With a new offset a match of 4 bytes would take as much as 4 literals, and longer to restore. */
const REPEAT_BYTES = 4
/** Where nothing is found for 256 bytes, only every other position is looked up, then every third, and so on. */
const SKIP_SHIFT = 8
/** Positions in the value are counted on up to here, and then from 0 again. */
const MAX_POSITION = 2 ** 24
const BYTES_PER_STEP = 4 * 1024

/**
 * Finds in values what Zstandard's levels 3 and 4 find with a dictionary: the last offset again, else 8 equal bytes, else 5, in the value so far
 * or in the dictionary's content. The content is indexed once, so that a value costs by its own length only.
 */
export class DictionaryMatcher {
  readonly #contentBytes: number
  /** The content, and behind it the value that is being looked at. */
  readonly #window: Uint8Array
  readonly #view: DataView
  readonly #longs = new LastPositions()
  readonly #shorts = new LastPositions()
  /** Added to a position in the value where it is kept: what values before left there is smaller, and so known to be theirs. */
  #base = 0

  private constructor(content: Uint8Array, maxValueBytes: number) {
    this.#contentBytes = content.length
    this.#window = new Uint8Array(content.length + maxValueBytes)
    this.#window.set(content)
    this.#view = new DataView(this.#window.buffer)
  }

  /** @param content at least {@link LONG_BYTES} */
  static *create(content: Uint8Array, maxValueBytes: number): Steps<DictionaryMatcher> {
    const matcher = new DictionaryMatcher(content, maxValueBytes)
    const end = Math.min(content.length - LONG_BYTES + 1, MAX_CONTENT_BYTES)
    for (let at = 0; at < end; at += BYTES_PER_STEP) {
      matcher.#indexContent(at, Math.min(at + BYTES_PER_STEP, end))
      yield
    }
    return matcher
  }

  #indexContent(from: number, to: number): void {
    const view = this.#view
    for (let at = from; at < to; at++) {
      this.#longs.addContent(longHash(view, at), at)
      this.#shorts.addContent(shortHash(view, at), at)
    }
  }

  /** @param sequences are begun anew */
  parse(value: Uint8Array, sequences: Sequences): void {
    const window = this.#window
    const view = this.#view
    const longs = this.#longs
    const shorts = this.#shorts
    const base = this.#base
    const begin = this.#contentBytes
    const end = begin + value.length
    const last = end - LONG_BYTES
    window.set(value, begin)
    sequences.begin()

    let literalsFrom = begin
    for (let at = begin; at <= last;) {
      const { lastOffset, offsetBefore } = sequences
      const long = longHash(view, at)
      const short = shortHash(view, at)
      let from = at
      let source = -1
      if (at === literalsFrom && equal4(view, at, at - offsetBefore)) source = at - offsetBefore
      else if (at < last && equal4(view, at + 1, at + 1 - lastOffset)) source = (from = at + 1) - lastOffset
      else {
        source = find8(view, at, long, longs, begin, base)
        if (source < 0) {
          source = find5(view, at, short, shorts, begin, base)
          const longer = source >= 0 && at < last ? find8(view, at + 1, longHash(view, at + 1), longs, begin, base) : -1
          if (longer >= 0) {
            source = longer
            from = at + 1
          }
        }
      }
      longs.inValue[long >>> VALUE_SHIFT] = at + base
      shorts.inValue[short >>> VALUE_SHIFT] = at + base
      if (source < 0) {
        at += 1 + ((at - literalsFrom) >>> SKIP_SHIFT)
        continue
      }
      let to = from + REPEAT_BYTES
      for (let s = source + REPEAT_BYTES; to < end && window[to] === window[s]; s++) to++
      for (; from > literalsFrom && source > 0 && window[from - 1] === window[source - 1]; source--) from--
      sequences.add(window, literalsFrom, from, to, from - source)
      // As in Zstandard, two positions of a match are enough to find it again.
      if (at + 2 <= last) remember(view, at + 2, longs, shorts, base)
      if (to - 2 <= last) remember(view, to - 2, longs, shorts, base)
      at = literalsFrom = to
    }
    sequences.addLiterals(window, literalsFrom, end)
    this.#forgetValue(value.length)
  }

  #forgetValue(bytes: number): void {
    this.#base += bytes
    if (this.#base < MAX_POSITION) return
    this.#base = 0
    this.#longs.inValue.fill(-1)
    this.#shorts.inValue.fill(-1)
  }
}

/** Where bytes with a hash were last. */
class LastPositions {
  /** By the highest bits of a hash: the next bits of it, and below them one more than a position in the content; 0 for nowhere. */
  readonly inContent = new Int32Array(2 ** CONTENT_HASH_BITS)
  /** A position in the value, and what is added to them at the time. */
  readonly inValue = new Int32Array(2 ** VALUE_HASH_BITS).fill(-1)

  addContent(hash: number, at: number): void {
    this.inContent[hash >>> CONTENT_SHIFT] = tagOf(hash) | (at + 1)
  }

  /** A position in the content where bytes of this hash may be, -1 if there is none. */
  candidate(hash: number): number {
    const tagged = this.inContent[hash >>> CONTENT_SHIFT]!
    return (tagged & ~POSITION_MASK) === tagOf(hash) ? (tagged & POSITION_MASK) - 1 : -1
  }
}

function tagOf(hash: number): number {
  return (hash << CONTENT_HASH_BITS) & ~POSITION_MASK
}

/** Where the 8 bytes at `at` were before, -1 if nowhere. */
function find8(view: DataView, at: number, hash: number, longs: LastPositions, begin: number, base: number): number {
  const inValue = longs.inValue[hash >>> VALUE_SHIFT]! - base
  if (inValue >= begin && equal8(view, at, inValue)) return inValue
  const inContent = longs.candidate(hash)
  return inContent >= 0 && equal8(view, at, inContent) ? inContent : -1
}

/** The same for 5 bytes. */
function find5(view: DataView, at: number, hash: number, shorts: LastPositions, begin: number, base: number): number {
  const inValue = shorts.inValue[hash >>> VALUE_SHIFT]! - base
  if (inValue >= begin && equal5(view, at, inValue)) return inValue
  const inContent = shorts.candidate(hash)
  return inContent >= 0 && equal5(view, at, inContent) ? inContent : -1
}

function remember(view: DataView, at: number, longs: LastPositions, shorts: LastPositions, base: number): void {
  longs.inValue[longHash(view, at) >>> VALUE_SHIFT] = at + base
  shorts.inValue[shortHash(view, at) >>> VALUE_SHIFT] = at + base
}

function equal4(view: DataView, a: number, b: number): boolean {
  return view.getInt32(a, true) === view.getInt32(b, true)
}

function equal5(view: DataView, a: number, b: number): boolean {
  return equal4(view, a, b) && view.getUint8(a + 4) === view.getUint8(b + 4)
}

function equal8(view: DataView, a: number, b: number): boolean {
  return equal4(view, a, b) && equal4(view, a + 4, b + 4)
}

function longHash(view: DataView, at: number): number {
  const mixed = Math.imul(view.getInt32(at, true), 0x9e3779b1) ^ Math.imul(view.getInt32(at + 4, true), 0x85ebca77)
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae3d)
}

function shortHash(view: DataView, at: number): number {
  return Math.imul(view.getInt32(at, true), 0x9e3779b1) ^ Math.imul(view.getUint8(at + 4), 0x85ebca77)
}
