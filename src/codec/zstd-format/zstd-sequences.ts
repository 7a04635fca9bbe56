import { REPEAT_OFFSETS } from './zstd-codes.js'

/** No match that counts here is shorter, so that a value has at most a sequence for so many bytes. */
const MIN_SEQUENCE_BYTES = 4

/** What Zstandard writes of a value: sequences of literals and a match, and the literals at its end. Used again for value after value. */
export class Sequences {
  count = 0
  readonly literalLengths: Uint16Array
  readonly matchLengths: Uint16Array
  /** Offset + 3, or 1 to 3 for one of those used last (RFC 8878, 3.1.1.5). */
  readonly offsetValues: Uint32Array
  literalBytes = 0
  readonly literals: Uint8Array
  readonly #firstOffsets: readonly [number, number, number]
  /** The offsets used last, the last one first. */
  #offset1 = 0
  #offset2 = 0
  #offset3 = 0

  /** @param maxValueBytes below 64 KiB */
  constructor(maxValueBytes: number, firstOffsets: readonly [number, number, number]) {
    const most = Math.ceil(maxValueBytes / MIN_SEQUENCE_BYTES)
    this.literalLengths = new Uint16Array(most)
    this.matchLengths = new Uint16Array(most)
    this.offsetValues = new Uint32Array(most)
    this.literals = new Uint8Array(maxValueBytes)
    this.#firstOffsets = firstOffsets
  }

  /** Forgets the value before. */
  begin(): void {
    this.count = 0
    this.literalBytes = 0
    ;[this.#offset1, this.#offset2, this.#offset3] = this.#firstOffsets
  }

  /** The last offset and the one before it. */
  get lastOffset(): number {
    return this.#offset1
  }
  get offsetBefore(): number {
    return this.#offset2
  }

  /** @param offset how far before its own beginning the match was found */
  add(window: Uint8Array, literalsFrom: number, matchFrom: number, matchTo: number, offset: number): void {
    this.addLiterals(window, literalsFrom, matchFrom)
    this.literalLengths[this.count] = matchFrom - literalsFrom
    this.matchLengths[this.count] = matchTo - matchFrom
    this.offsetValues[this.count] = this.#offsetValue(offset, matchFrom > literalsFrom)
    this.count++
  }

  addLiterals(window: Uint8Array, from: number, to: number): void {
    let end = this.literalBytes
    for (let at = from; at < to; at++) this.literals[end++] = window[at]!
    this.literalBytes = end
  }

  /** An offset used just before is written as its place; without literals between, counted from the second. */
  #offsetValue(offset: number, hasLiterals: boolean): number {
    const place = offset === this.#offset1 ? 1 : offset === this.#offset2 ? 2 : offset === this.#offset3 ? 3 : 0
    const isNew = place === 0 || (place === 1 && !hasLiterals)
    if (isNew || place === 3) this.#offset3 = this.#offset2
    if (isNew || place >= 2) this.#offset2 = this.#offset1
    this.#offset1 = offset
    if (isNew) return offset + REPEAT_OFFSETS
    return hasLiterals ? place : place - 1
  }
}
