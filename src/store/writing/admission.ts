import { CompressedKvError, noRoom } from '../../errors.js'
import { Fifo } from '../../fifo.js'
import type { FlushFailure } from './flusher.js'

/** The most bytes of calls that may wait for room. Callers that await their writes never come near it. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024

/**
 * After this many failed flushes in a row the writes that wait for room are rejected. With the pauses between them that takes 4.5 s: a disk
 * that is full for a shorter time only delays the writes.
 */
export const MAX_FAILED_FLUSHES = 8

interface Waiting {
  readonly weight: number
  readonly bytes: number
  readonly start: () => void
  readonly reject: (error: unknown) => void
}

/** Bounds the bytes that are logged and not yet in the backend: when there are too many, writes wait, first come, first served. */
export class Admission {
  readonly #maxBytes: number
  /** The weight of all writes that were admitted and have not left: those that the backend lacks. */
  #bytes = 0
  readonly #waiting = new Fifo<Waiting>()
  #waitingBytes = 0
  #letting = false
  #isClosing = false
  readonly #end: () => { readonly error: unknown } | undefined

  /** @param end why there will be no more room; undefined as long as there may be */
  constructor(maxBytes: number, end: () => { readonly error: unknown } | undefined) {
    this.#maxBytes = maxBytes
    this.#end = end
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Admits a write if no other waits and there is room. A write of weight 0 always has room, and so has one of any weight while none is admitted. */
  tryEnter(weight: number): boolean {
    if (this.#waiting.length > 0 || !this.#hasRoom(weight)) return false
    this.#bytes += weight
    return true
  }

  /**
   * Admits a write when there is room and no earlier one waits. A write of weight 0 needs no room, and may wait behind any number of others.
   *
   * @param bytes of memory that it holds while it waits
   * @param start called when it is admitted
   */
  enter(weight: number, bytes: number, start: () => void, reject: (error: unknown) => void): void {
    if (this.tryEnter(weight)) return start()
    const end = this.#end()
    if (end !== undefined) return reject(end.error) // It would wait for ever: no flush is tried any more.
    const busy = this.#tooManyWith(weight, bytes)
    if (busy !== undefined) return reject(busy)
    this.#waitingBytes += bytes
    this.#waiting.push({ weight, bytes, start, reject })
  }

  /**
   * Call before a write is counted and its value copied or compressed: a write that will be refused must not take memory and time from others.
   *
   * @throws CKV_BUSY if {@link enter} would refuse a write of this weight
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

  /** The store is closing: from now on a single failed flush rejects all that wait. */
  close(): void {
    this.#isClosing = true
  }

  /** Call when a flush has failed. Writes go on waiting for room, unless it failed for good or too often, or the store is closing. */
  afterFailure({ error, times }: FlushFailure): void {
    const end = this.#end()
    if (end !== undefined) this.#rejectWaiting(end.error)
    else if (times >= MAX_FAILED_FLUSHES || this.#isClosing) this.#rejectWaiting(noRoom(times, error))
  }

  #rejectWaiting(error: unknown): void {
    this.#waitingBytes = 0
    for (const { reject } of this.#waiting.take(Infinity)) reject(error)
  }

  #hasRoom(weight: number): boolean {
    return weight === 0 || this.#bytes === 0 || this.#bytes + weight <= this.#maxBytes
  }

  #letIn(): void {
    if (this.#letting) return // A write that was admitted just now has left at once: the loop below is still running, and goes on.
    this.#letting = true
    for (let next = this.#waiting.first; next !== undefined && this.#hasRoom(next.weight); next = this.#waiting.first) {
      this.#waiting.shift()
      this.#bytes += next.weight
      this.#waitingBytes -= next.bytes
      next.start()
    }
    this.#letting = false
  }
}
