import type { Steps } from '../steps.js'
import type { Sequences } from '../zstd-format/zstd-sequences.js'

/** Bits of the tables that find 8 and 4 equal bytes: in the content, and in the value itself. */
const CONTENT_HASH_BITS = 15
const VALUE_HASH_BITS = 11
const LONG_BYTES = 8
const SHORT_BYTES = 4
/** Where nothing is found for so long, only every other position is looked up, then every third, and so on. */
const SKIP_AFTER_BYTES = 256
/** Positions in the value are counted on up to here, and then from 0 again. */
const MAX_POSITION = 2 ** 24
const BYTES_PER_STEP = 4 * 1024

/**
 * Finds in values what Zstandard's levels 3 and 4 find with a dictionary: the last offset again, else 8 equal bytes, else 4, in the value so far
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
    for (let at = 0; at < content.length; at += BYTES_PER_STEP) {
      matcher.#indexContent(at, Math.min(at + BYTES_PER_STEP, content.length - LONG_BYTES + 1))
      yield
    }
    return matcher
  }

  #indexContent(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      this.#longs.inContent[this.#longHash(at) >>> (32 - CONTENT_HASH_BITS)] = at
      this.#shorts.inContent[this.#shortHash(at) >>> (32 - CONTENT_HASH_BITS)] = at
    }
  }

  /** @param sequences are begun anew */
  parse(value: Uint8Array, sequences: Sequences): void {
    const window = this.#window
    const end = this.#contentBytes + value.length
    const last = end - LONG_BYTES
    window.set(value, this.#contentBytes)
    sequences.begin()

    let literalsFrom = this.#contentBytes
    for (let at = literalsFrom; at <= last;) {
      const { lastOffset, offsetBefore } = sequences
      let from = at
      let source = -1
      if (at === literalsFrom && this.#equal4(at, at - offsetBefore)) source = at - offsetBefore
      else if (at < last && this.#equal4(at + 1, at + 1 - lastOffset)) source = (from = at + 1) - lastOffset
      else {
        source = this.#findLong(at)
        if (source < 0) {
          source = this.#findShort(at)
          const longer = source >= 0 && at < last ? this.#findLong(at + 1) : -1
          if (longer >= 0) {
            source = longer
            from = at + 1
          }
        }
      }
      this.#remember(at)
      if (source < 0) {
        at += 1 + Math.floor((at - literalsFrom) / SKIP_AFTER_BYTES)
        continue
      }
      let to = from + SHORT_BYTES
      for (let s = source + SHORT_BYTES; to < end && window[to] === window[s]; s++) to++
      for (; from > literalsFrom && source > 0 && window[from - 1] === window[source - 1]; source--) from--
      sequences.add(window, literalsFrom, from, to, from - source)
      // As in Zstandard, two positions of a match are enough to find it again.
      if (at + 2 <= last) this.#remember(at + 2)
      if (to - 2 <= last) this.#remember(to - 2)
      at = literalsFrom = to
    }
    sequences.addLiterals(window, literalsFrom, end)
    this.#forgetValue(value.length)
  }

  #remember(at: number): void {
    this.#longs.inValue[this.#longHash(at) >>> (32 - VALUE_HASH_BITS)] = at + this.#base
    this.#shorts.inValue[this.#shortHash(at) >>> (32 - VALUE_HASH_BITS)] = at + this.#base
  }

  #forgetValue(bytes: number): void {
    this.#base += bytes
    if (this.#base < MAX_POSITION) return
    this.#base = 0
    this.#longs.inValue.fill(-1)
    this.#shorts.inValue.fill(-1)
  }

  /** Where the 8 bytes at `at` were before, -1 if nowhere. */
  #findLong(at: number): number {
    const hash = this.#longHash(at)
    const inValue = this.#longs.inValue[hash >>> (32 - VALUE_HASH_BITS)]! - this.#base
    if (inValue >= this.#contentBytes && this.#equal8(at, inValue)) return inValue
    const inContent = this.#longs.inContent[hash >>> (32 - CONTENT_HASH_BITS)]!
    return inContent >= 0 && this.#equal8(at, inContent) ? inContent : -1
  }

  /** The same for 4 bytes. */
  #findShort(at: number): number {
    const hash = this.#shortHash(at)
    const inValue = this.#shorts.inValue[hash >>> (32 - VALUE_HASH_BITS)]! - this.#base
    if (inValue >= this.#contentBytes && this.#equal4(at, inValue)) return inValue
    const inContent = this.#shorts.inContent[hash >>> (32 - CONTENT_HASH_BITS)]!
    return inContent >= 0 && this.#equal4(at, inContent) ? inContent : -1
  }

  #equal4(a: number, b: number): boolean {
    return this.#view.getUint32(a, true) === this.#view.getUint32(b, true)
  }

  #equal8(a: number, b: number): boolean {
    return this.#equal4(a, b) && this.#equal4(a + 4, b + 4)
  }

  #longHash(at: number): number {
    const mixed =
      Math.imul(this.#view.getUint32(at, true), 0x9e3779b1) ^ Math.imul(this.#view.getUint32(at + 4, true), 0x85ebca77)
    return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae3d)
  }

  #shortHash(at: number): number {
    return Math.imul(this.#view.getUint32(at, true), 0x9e3779b1)
  }
}

/** Where bytes with a hash were last, in the content and in the value; -1 for nowhere. */
class LastPositions {
  readonly inContent = new Int32Array(2 ** CONTENT_HASH_BITS).fill(-1)
  readonly inValue = new Int32Array(2 ** VALUE_HASH_BITS).fill(-1)
}
