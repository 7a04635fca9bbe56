/** A frame that the index knows. */
interface IndexedFrame {
  readonly offset: number
  readonly lastSequence: number
}

/**
 * A frame that begins fewer bytes than this after the last entry has no entry of its own: it is found by walking from there. So the index
 * of a segment of 128 MiB has at most 8192 entries, even if every record is a frame.
 */
const SPACING_BYTES = 16 * 1024

/** Where the frames of one segment are, by sequence number: sparse, in order. */
export class FrameIndex {
  readonly firstSequence: number
  #lastSequence: number
  readonly #offsets: number[] = []
  readonly #first: number[] = []
  readonly #last: number[] = []

  constructor(firstSequence: number) {
    this.firstSequence = firstSequence
    this.#lastSequence = firstSequence - 1
  }

  /** Of the last record in the segment; one less than the first if there is none. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /**
   * Takes note of a frame. Frames come in order.
   *
   * @param always whether it needs an entry of its own, because there is no walking to it from the frames before
   */
  add(offset: number, firstSequence: number, count: number, always = false): void {
    this.#lastSequence = firstSequence + count - 1
    const entries = this.#offsets.length
    if (!always && entries > 0 && offset - this.#offsets[entries - 1]! < SPACING_BYTES) return
    this.#offsets.push(offset)
    this.#first.push(firstSequence)
    this.#last.push(this.#lastSequence)
  }

  /** The last entry whose frame does not begin after a record: the record is in that frame or in one of the next. */
  find(sequence: number): IndexedFrame {
    const entry = lastUpTo(this.#first, sequence)
    return { offset: this.#offsets[entry]!, lastSequence: this.#last[entry]! }
  }

  /** Where the last frame in the index begins that begins at an offset or before; 0 if there is none. */
  frameBefore(offset: number): number {
    const found = this.#offsets[lastUpTo(this.#offsets, offset)] ?? 0
    return found <= offset ? found : 0
  }
}

/** Index of the last of ascending numbers that is not above a limit; 0 if all are. */
function lastUpTo(numbers: readonly number[], limit: number): number {
  let low = 0
  let high = numbers.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (numbers[middle]! <= limit) low = middle
    else high = middle - 1
  }
  return low
}
