import { CompressedKvError, noRoom } from '../../errors.js'
import type { FlushFailure } from './flusher.js'

/** Bytes of calls that wait to be let in. Callers that await their writes never come near it. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024

/**
 * So many flushes in a row fail before those who wait for room are turned away: 4.5 s, with the pauses between. A disk that is full for a moment
 * only holds them up.
 */
export const MAX_FAILED_FLUSHES = 8

interface Waiting {
  readonly weight: number
  readonly bytes: number
  readonly start: () => void
  readonly reject: (error: unknown) => void
}

/** Bounds the bytes that wait for the backend: when they are too many, writers wait, first come, first served. */
export class Admission {
  readonly #maxBytes: number
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

  /** What was let in and has not left. */
  get bytes(): number {
    return this.#bytes
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Lets in what has room, if nobody waits; what weighs nothing always has, and one write of any size when there is nothing else. */
  tryEnter(weight: number): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(weight)) return false
    this.#bytes += weight
    return true
  }

  /**
   * Waits for room. What weighs nothing only keeps its place in the line.
   *
   * @param bytes that it holds while it waits
   * @param start called when it is let in
   */
  enter(weight: number, bytes: number, start: () => void, reject: (error: unknown) => void): void {
    if (this.tryEnter(weight)) return start()
    if (this.#end !== undefined) return reject(this.#end.error) // No flush is tried any more that would tell it.
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES && this.#waiting.length > 0) {
      reject(
        new CompressedKvError(
          'CKV_BUSY',
          `${this.#waitingBytes} bytes wait for room in the MemTable, and the limit is ${MAX_WAITING_BYTES}: await the writes before`
        )
      )
      return
    }
    this.#waitingBytes += bytes
    this.#waiting.push({ weight, bytes, start, reject })
  }

  /** Of what could not be known before. */
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

  /** A flush has failed: who waits for the room that it would have made goes on waiting, unless that has no end. */
  afterFailure({ error, times, isFinal }: FlushFailure): void {
    if (isFinal) {
      this.#end = { error }
      this.#rejectWaiting(error)
    } else if (times >= MAX_FAILED_FLUSHES || this.#isClosing) this.#rejectWaiting(noRoom(times, error))
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
    if (this.#letting) return // What is let in may leave at once.
    this.#letting = true
    let count = 0
    for (; count < this.#waiting.length; count++) {
      const { weight, bytes, start } = this.#waiting[count]!
      if (!this.#hasRoom(weight)) break
      this.#bytes += weight
      this.#waitingBytes -= bytes
      start()
    }
    this.#waiting = this.#waiting.slice(count)
    this.#letting = false
  }
}
