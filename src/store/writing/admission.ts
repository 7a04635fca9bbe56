import { CompressedKvError, noRoom } from '../../errors.js'
import type { FlushFailure } from './flusher.js'

/** Bytes of calls that wait to be let in. Callers that await their writes never come near it. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024

/**
 * How many flushes in a row may fail before writers that wait for room are turned away: 4.5 s, with the pauses between. A disk that is full for
 * less only delays them.
 */
export const MAX_FAILED_FLUSHES = 8

interface Waiting {
  readonly weight: number
  readonly bytes: number
  readonly start: () => void
  readonly reject: (error: unknown) => void
}

/** Bounds the bytes that the backend lacks: when they are too many, writers wait, first come, first served. */
export class Admission {
  readonly #maxBytes: number
  /** The weight of what was let in and has not left. */
  #bytes = 0
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #letting = false
  #isClosing = false
  /** Why there will be no more room, if so. */
  #end: { readonly error: unknown } | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Lets a write in if nobody waits and there is room. There always is for what weighs nothing, and for any one write alone. */
  tryEnter(weight: number): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(weight)) return false
    this.#bytes += weight
    return true
  }

  /**
   * Waits for room. What weighs nothing waits only for those before it, however much that is.
   *
   * @param bytes of memory that it holds while it waits
   * @param start called when it is let in
   */
  enter(weight: number, bytes: number, start: () => void, reject: (error: unknown) => void): void {
    if (this.tryEnter(weight)) return start()
    if (this.#end !== undefined) return reject(this.#end.error) // No flush is tried any more, which would reject it.
    const busy = this.#tooManyWith(weight, bytes)
    if (busy !== undefined) return reject(busy)
    this.#waitingBytes += bytes
    this.#waiting.push({ weight, bytes, start, reject })
  }

  /**
   * Call before a write is counted, and its value copied and compressed off the main thread: what is refused must not take the memory and time
   * of what is let in.
   *
   * @throws CKV_BUSY where {@link enter} would refuse a write of this weight
   */
  assertMayWait(weight: number): void {
    const busy = this.#tooManyWith(weight, weight)
    if (busy !== undefined) throw busy
  }

  #tooManyWith(weight: number, bytes: number): CompressedKvError | undefined {
    if (weight === 0 || this.#waiting.length === 0 || this.#waitingBytes + bytes <= MAX_WAITING_BYTES) return undefined
    return new CompressedKvError(
      'CKV_BUSY',
      `${this.#waitingBytes} bytes wait for room in the MemTable, and the limit is ${MAX_WAITING_BYTES}: await the writes before`
    )
  }

  /** Counts a weight known only after admission (the keys of a limited clear), without waiting. */
  enterAnyway(weight: number): void {
    this.#bytes += weight
  }

  leave(weight: number): void {
    this.#bytes -= weight
    if (this.#waiting.length > 0) this.#letIn()
  }

  /** From now on one failure is enough to turn everybody away. */
  close(): void {
    this.#isClosing = true
  }

  /** There will be no more room: turns away who waits for some, and who comes later and would have to. */
  end(error: unknown): void {
    this.#end = { error }
    this.#rejectWaiting(error)
  }

  /** Call when a flush has failed. Those who wait for room go on waiting, unless it failed for good or too often, or the store is closing. */
  afterFailure({ error, times, isFinal }: FlushFailure): void {
    if (isFinal) this.end(error)
    else if (times >= MAX_FAILED_FLUSHES || this.#isClosing) this.#rejectWaiting(noRoom(times, error))
  }

  #rejectWaiting(error: unknown): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const { reject } of waiting) reject(error)
  }

  #hasRoom(weight: number): boolean {
    return weight === 0 || this.#bytes === 0 || this.#bytes + weight <= this.#maxBytes
  }

  #letIn(): void {
    if (this.#letting) return // What is let in may leave at once; the loop that let it in goes on.
    this.#letting = true
    let count = 0
    for (; count < this.#waiting.length; count++) {
      const { weight, bytes, start } = this.#waiting[count]!
      if (!this.#hasRoom(weight)) break
      this.#bytes += weight
      this.#waitingBytes -= bytes
      start()
    }
    if (count > 0) this.#waiting = this.#waiting.slice(count)
    this.#letting = false
  }
}
