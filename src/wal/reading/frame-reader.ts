import { corruption } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import { nextTurn, Turn } from '../../turn.js'
import { isPlausible } from '../format/frame-header.js'
import { fitsScratch, restorePayload, restorePayloadInto, SCRATCH_BYTES } from '../format/frame-payload.js'
import type { BadFrame, Frame, FrameScanner } from './frame-scanner.js'

/** A frame and its payload, decompressed. */
export interface RestoredFrame {
  readonly frame: Frame
  readonly payload: Buffer
}

/** How many frames are decompressed ahead, so that other threads can do it. */
const AHEAD_FRAMES = 4
/** No further frame is decompressed ahead when those that are have this many raw bytes. */
const AHEAD_BYTES = 8 * 1024 * 1024

interface Ahead {
  readonly frame: Frame
  /** undefined if it will be restored into scratch memory when it is asked for. */
  readonly payload: Buffer | Promise<Buffer> | undefined
}

/** Reads frames one after another and decompresses them, some of them ahead. */
export class FrameReader {
  readonly #scanner: FrameScanner
  /** Whether what `next` returned is no longer needed when `next` is called again. */
  readonly #transient: boolean
  readonly #turn = new Turn()
  /** Memory into which one frame after another is restored. */
  #scratch: Buffer | undefined
  #last: Frame | undefined
  #ahead: Ahead[] = []
  #aheadBytes = 0
  #bad: BadFrame | undefined

  constructor(scanner: FrameScanner, options: { readonly transient: boolean }) {
    this.#scanner = scanner
    this.#transient = options.transient
  }

  /**
   * @returns undefined at the end of the scanner's range, which may be extended later
   * @throws LEVEL_CORRUPTION for a frame whose checksums hold but which cannot be decompressed; as `FrameScanner.next` does
   */
  async next(): Promise<RestoredFrame | BadFrame | undefined> {
    if (this.#last !== undefined) this.#scanner.release(this.#last)
    this.#last = undefined
    await this.#fill()
    const first = this.#ahead.shift()
    if (first === undefined) return this.#bad
    const { frame } = first
    this.#aheadBytes -= frame.header.rawLength
    // As long as frames are in memory and restored on this thread, nothing else that is awaited lets the event loop run.
    if (this.#turn.isOver) await nextTurn()
    const payload = await (first.payload ?? this.#restoreIntoScratch(frame))
    if (this.#transient || payload !== frame.stored) this.#last = frame
    return { frame, payload }
  }

  async #fill(): Promise<void> {
    while (this.#ahead.length < AHEAD_FRAMES && this.#aheadBytes < AHEAD_BYTES) {
      let frame: Frame | undefined
      try {
        frame = await this.#scan()
      } catch (error) {
        if (this.#ahead.length > 0) return // It comes again, and is thrown, when the frames before it have been returned.
        throw error
      }
      if (frame === undefined) return
      this.#ahead.push({ frame, payload: this.#restoreAhead(frame) })
      this.#aheadBytes += frame.header.rawLength
    }
  }

  /** The next frame; undefined at the end, and before bytes that are no frame. */
  async #scan(): Promise<Frame | undefined> {
    if (this.#bad !== undefined) return undefined
    const found = await this.#scanner.next()
    if (found === undefined || !('badAt' in found)) return found
    this.#bad = found
    return undefined
  }

  /** Starts to restore a frame. An error is thrown when the frame is asked for, not before. */
  #restoreAhead({ header, stored, offset }: Frame): Ahead['payload'] {
    let payload: Ahead['payload']
    try {
      if (!isPlausible(header)) throw corruption(`the frame at ${offset} of the log claims what cannot be`)
      // What fits into scratch memory is restored on this thread, which takes less time than a trip to another.
      payload = this.#transient && fitsScratch(header) ? undefined : restorePayload(header, stored)
    } catch (error) {
      payload = Promise.reject(error)
    }
    if (isPromise(payload)) payload.catch(() => {})
    return payload
  }

  #restoreIntoScratch({ header, stored }: Frame): Buffer | Promise<Buffer> {
    this.#scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    return restorePayloadInto(this.#scratch, header, stored) ?? restorePayload(header, stored)
  }
}
