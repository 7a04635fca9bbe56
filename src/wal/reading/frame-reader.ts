import { corruption } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import { nextTurn, Turn } from '../../turn.js'
import { isPlausible } from '../format/frame-header.js'
import { fitsScratch, restorePayload, restorePayloadInto, SCRATCH_BYTES } from '../format/frame-payload.js'
import type { BadFrame, Frame, FrameScanner } from './frame-scanner.js'

/** A frame and its raw payload. */
export interface RestoredFrame {
  readonly frame: Frame
  readonly payload: Buffer
}

/** Frames that are decompressed ahead of the one asked for, so that other threads can do it. */
const AHEAD_FRAMES = 4
/** Raw bytes they may take together, beside the first. */
const AHEAD_BYTES = 8 * 1024 * 1024

interface Ahead {
  readonly frame: Frame
  /** undefined where it is restored into scratch memory, when it is asked for. */
  readonly payload: Buffer | Promise<Buffer> | undefined
}

/** Reads frames one after another and decompresses them, the next ones ahead. */
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
   * @returns undefined at the end, for now: it may be extended
   * @throws LEVEL_CORRUPTION for a frame whose checksums hold but which cannot be decompressed; see FrameScanner
   */
  async next(): Promise<RestoredFrame | BadFrame | undefined> {
    if (this.#last !== undefined) this.#scanner.release(this.#last)
    this.#last = undefined
    await this.#fill()
    const first = this.#ahead.shift()
    if (first === undefined) return this.#bad
    const { frame } = first
    this.#aheadBytes -= frame.header.rawLength
    // Frames of one piece of the file that are restored on this thread wait neither for another thread nor for the disk.
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
        if (this.#ahead.length > 0) return // It is thrown again when those before it have been read.
        throw error
      }
      if (frame === undefined) return
      this.#ahead.push({ frame, payload: this.#restoreAhead(frame) })
      this.#aheadBytes += frame.header.rawLength
    }
  }

  /** The next frame; undefined at the end, or before bytes that are none. */
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
      // What fits into scratch memory needs no other thread: it is restored before the trip there would be over.
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
