/** A frame that the index knows. */
interface IndexedFrame {
  readonly offset: number
  readonly lastSequence: number
}

/**
 * A frame that begins fewer bytes than this after the last entry has no entry of its own: it is found by going on from there, frame by frame. So
 * the index of a segment of 128 MiB has at most 8192 entries, even if every record is a frame.
 */
const SPACING_BYTES = 16 * 1024

/** Where the frames of one segment are, by sequence number. Not every frame has an entry. */
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

  /** Number of the last record in the segment; one less than `firstSequence` if there is none. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /**
   * Adds a frame, if it needs an entry. Call for every frame, in order.
   *
   * @param always whether it needs an entry in any case, because the frames before do not lead to it
   */
  add(offset: number, firstSequence: number, count: number, always = false): void {
    this.#lastSequence = firstSequence + count - 1
    const entries = this.#offsets.length
    if (!always && entries > 0 && offset - this.#offsets[entries - 1]! < SPACING_BYTES) return
    this.#offsets.push(offset)
    this.#first.push(firstSequence)
    this.#last.push(this.#lastSequence)
  }

  /** The last entry whose frame does not begin after a record: the record is in that frame or in one after it. */
  find(sequence: number): IndexedFrame {
    const entry = lastUpTo(this.#first, sequence)
    return { offset: this.#offsets[entry]!, lastSequence: this.#last[entry]! }
  }

  /** Offset of the last frame with an entry that begins at an offset or before; 0 if there is none. */
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
