const WORD_BYTES = 4
/**
 * Literals are copied two words at a time, matches four, so that most take one turn: to guess wrong how many there are takes longer than to copy.
 * So what is copied goes up to so many bytes further than it should, also where it is nothing.
 */
const LITERALS_TURN_BYTES = 2 * WORD_BYTES
const MATCH_TURN_BYTES = 4 * WORD_BYTES
export const COPY_SLACK_BYTES = MATCH_TURN_BYTES

/** A dictionary's content, and behind it room for the value that is being restored: matches are copied from wherever they are. */
export class DictionaryWindow {
  /** Where values begin. */
  readonly base: number
  #bytes: Buffer
  #view: DataView

  constructor(content: Uint8Array) {
    this.base = content.length
    this.#bytes = Buffer.from(content)
    this.#view = viewOf(this.#bytes)
  }

  /**
   * Makes room for a value. What {@link bytes} and {@link view} give is the same until the next call.
   *
   * @param rawLength below DICTIONARY_VALUE_LIMIT: so much memory is taken
   */
  prepare(rawLength: number): void {
    const needed = this.base + rawLength + COPY_SLACK_BYTES
    if (this.#bytes.length >= needed) return
    const larger = Buffer.alloc(this.base + 2 ** Math.ceil(Math.log2(rawLength + COPY_SLACK_BYTES)))
    larger.set(this.#bytes.subarray(0, this.base))
    this.#bytes = larger
    this.#view = viewOf(larger)
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  get view(): DataView {
    return this.#view
  }

  /** The value, in memory of its own. */
  value(rawLength: number): Buffer {
    const value = Buffer.allocUnsafe(rawLength)
    this.#bytes.copy(value, 0, this.base, this.base + rawLength)
    return value
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Copies from one memory to another. */
export function copyLiterals(source: DataView, from: number, target: DataView, to: number, length: number): void {
  let i = 0
  do {
    target.setInt32(to + i, source.getInt32(from + i, true), true)
    target.setInt32(to + i + 4, source.getInt32(from + i + 4, true), true)
    i += LITERALS_TURN_BYTES
  } while (i < length)
}

/** Copies within the memory of `bytes` and `view`, from before `to`: what is copied may be copied again, where they are near. */
export function copyMatch(bytes: Uint8Array, view: DataView, from: number, to: number, length: number): void {
  let i = 0
  if (to - from < WORD_BYTES) {
    for (; i < length; i++) bytes[to + i] = bytes[from + i]!
    return
  }
  do {
    view.setInt32(to + i, view.getInt32(from + i, true), true)
    view.setInt32(to + i + 4, view.getInt32(from + i + 4, true), true)
    view.setInt32(to + i + 8, view.getInt32(from + i + 8, true), true)
    view.setInt32(to + i + 12, view.getInt32(from + i + 12, true), true)
    i += MATCH_TURN_BYTES
  } while (i < length)
}
