import type { Steps } from './steps.js'

/** Bits of the tables that find 8 and 4 equal bytes: in the content, and in the sample itself. */
const CONTENT_HASH_BITS = 15
const SAMPLE_HASH_BITS = 12
const LONG_BYTES = 8
const SHORT_BYTES = 4
/** Where nothing is found for so long, only every other position is looked up, then every third, and so on. */
const SKIP_AFTER_BYTES = 256

const BYTES_PER_STEP = 4 * 1024

/** What a parse comes to: literals and a match, again and again, and literals at the end. Positions are those of the window. */
export interface SequenceSink {
  /** @param offset how far before its own beginning the match was found */
  sequence(window: Uint8Array, literalsFrom: number, matchFrom: number, matchTo: number, offset: number): void
  lastLiterals(window: Uint8Array, from: number, to: number): void
}

/**
 * Finds in samples what Zstandard's levels 3 and 4 find with a dictionary: the last offset again, else 8 equal bytes, else 4, in the
 * sample so far or in the dictionary's content.
 */
export class DictionaryMatcher {
  readonly #contentBytes: number
  /** The content, and behind it the sample that is being parsed. */
  readonly #window: Uint8Array
  readonly #view: DataView
  readonly #longs = new LastPositions()
  readonly #shorts = new LastPositions()

  private constructor(content: Uint8Array, maxSampleBytes: number) {
    this.#contentBytes = content.length
    this.#window = new Uint8Array(content.length + maxSampleBytes)
    this.#window.set(content)
    this.#view = new DataView(this.#window.buffer)
  }

  static *create(content: Uint8Array, maxSampleBytes: number): Steps<DictionaryMatcher> {
    const matcher = new DictionaryMatcher(content, maxSampleBytes)
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

  parse(sample: Uint8Array, sink: SequenceSink): void {
    const window = this.#window
    const begin = this.#contentBytes
    const end = begin + sample.length
    const last = end - LONG_BYTES
    window.set(sample, begin)
    this.#longs.inSample.fill(-1)
    this.#shorts.inSample.fill(-1)

    let literalsFrom = begin
    let offset = 1
    let offsetBefore = 4
    for (let at = begin; at <= last;) {
      let from = at
      let source = at === literalsFrom && this.#equals(at, at - offsetBefore, SHORT_BYTES) ? at - offsetBefore : -1
      if (source < 0 && at < last && this.#equals(at + 1, at + 1 - offset, SHORT_BYTES))
        source = (from = at + 1) - offset
      if (source < 0) source = this.#lookUp(this.#longs, this.#longHash(at), at, LONG_BYTES)
      if (source < 0) {
        source = this.#lookUp(this.#shorts, this.#shortHash(at), at, SHORT_BYTES)
        const longer =
          source >= 0 && at < last ? this.#lookUp(this.#longs, this.#longHash(at + 1), at + 1, LONG_BYTES) : -1
        if (longer >= 0) source = longer
        if (longer >= 0) from = at + 1
      }
      this.#remember(at)
      if (source < 0) {
        at += 1 + Math.floor((at - literalsFrom) / SKIP_AFTER_BYTES)
        continue
      }
      let to = from + SHORT_BYTES
      for (let s = source + SHORT_BYTES; to < end && window[to] === window[s]; s++) to++
      for (; from > literalsFrom && source > 0 && window[from - 1] === window[source - 1]; source--) from--
      sink.sequence(window, literalsFrom, from, to, from - source)
      if (from - source !== offset) {
        offsetBefore = offset
        offset = from - source
      }
      // As in Zstandard, two positions of a match are enough to find it again.
      if (at + 2 <= last) this.#remember(at + 2)
      if (to - 2 <= last) this.#remember(to - 2)
      at = literalsFrom = to
    }
    sink.lastLiterals(window, literalsFrom, end)
  }

  #remember(at: number): void {
    this.#longs.inSample[this.#longHash(at) >>> (32 - SAMPLE_HASH_BITS)] = at
    this.#shorts.inSample[this.#shortHash(at) >>> (32 - SAMPLE_HASH_BITS)] = at
  }

  #lookUp(positions: LastPositions, hash: number, at: number, bytes: number): number {
    const inSample = positions.inSample[hash >>> (32 - SAMPLE_HASH_BITS)]!
    if (inSample >= 0 && this.#equals(at, inSample, bytes)) return inSample
    const inContent = positions.inContent[hash >>> (32 - CONTENT_HASH_BITS)]!
    return inContent >= 0 && this.#equals(at, inContent, bytes) ? inContent : -1
  }

  #equals(a: number, b: number, bytes: number): boolean {
    const view = this.#view
    if (view.getUint32(a, true) !== view.getUint32(b, true)) return false
    return bytes === SHORT_BYTES || view.getUint32(a + 4, true) === view.getUint32(b + 4, true)
  }

  #longHash(at: number): number {
    const view = this.#view
    const mixed = Math.imul(view.getUint32(at, true), 0x9e3779b1) ^ Math.imul(view.getUint32(at + 4, true), 0x85ebca77)
    return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae3d)
  }

  #shortHash(at: number): number {
    return Math.imul(this.#view.getUint32(at, true), 0x9e3779b1)
  }
}

/** Where bytes with a hash were last, in the content and in the current sample; -1 for nowhere. */
class LastPositions {
  readonly inContent = new Int32Array(2 ** CONTENT_HASH_BITS).fill(-1)
  readonly inSample = new Int32Array(2 ** SAMPLE_HASH_BITS).fill(-1)
}
