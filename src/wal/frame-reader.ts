import { corruption } from '../errors.js'
import { isPlausible } from './frame-header.js'
import type { BadFrame, Frame, FrameScanner } from './frame-scanner.js'
import { restorePayload, restorePayloadTransient } from './frame-payload.js'

/** A frame and its raw payload. */
export interface RestoredFrame {
  readonly frame: Frame
  readonly payload: Buffer
}

/** Frames that are decompressed ahead of the one asked for, so that other threads do it. */
const AHEAD_FRAMES = 4
/** Raw bytes they may take together, beside the first. */
const AHEAD_BYTES = 8 * 1024 * 1024

interface Ahead {
  readonly frame: Frame
  readonly payload: Buffer | Promise<Buffer>
}

/** Reads frames one after another and decompresses them, the next ones ahead. */
export class FrameReader {
  readonly #scanner: FrameScanner
  /** Whether what `next` returned is done with when it is called again. */
  readonly #transient: boolean
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
    const inPassing = this.#transient && this.#ahead.length === 0 ? await this.#nextInPassing() : undefined
    if (inPassing !== undefined) return inPassing
    await this.#fill()
    const first = this.#ahead.shift()
    if (first === undefined) return this.#bad
    const { frame, payload } = first
    this.#aheadBytes -= frame.header.rawLength
    const raw = payload instanceof Promise ? await payload : payload
    if (this.#transient || raw !== frame.stored) this.#last = frame
    return { frame, payload: raw }
  }

  /** What takes no memory needs no other thread: it is faster here than the way there. undefined where the codec has no such form. */
  async #nextInPassing(): Promise<RestoredFrame | undefined> {
    const frame = await this.#scan()
    if (frame === undefined) return undefined
    assertPlausible(frame)
    const payload = restorePayloadTransient(frame.header, frame.stored)
    if (payload === undefined) this.#addAhead(frame)
    else this.#last = frame
    return payload && { frame, payload }
  }

  async #fill(): Promise<void> {
    while (this.#ahead.length < AHEAD_FRAMES && this.#aheadBytes < AHEAD_BYTES) {
      let frame: Frame | undefined
      try {
        frame = await this.#scan()
      } catch (error) {
        if (this.#ahead.length > 0) return // It is met again when those before it have been read.
        throw error
      }
      if (frame === undefined) return
      this.#addAhead(frame)
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

  #addAhead(frame: Frame): void {
    this.#ahead.push({ frame, payload: restored(frame) })
    this.#aheadBytes += frame.header.rawLength
  }
}

/** What fails is told to the reader that comes to it, not to those before. */
function restored(frame: Frame): Buffer | Promise<Buffer> {
  let payload: Buffer | Promise<Buffer>
  try {
    assertPlausible(frame)
    payload = restorePayload(frame.header, frame.stored)
  } catch (error) {
    payload = Promise.reject(error)
  }
  if (payload instanceof Promise) payload.catch(() => {})
  return payload
}

/** @throws LEVEL_CORRUPTION */
function assertPlausible({ header, offset }: Frame): void {
  if (!isPlausible(header)) throw corruption(`the frame at ${offset} of the log claims what cannot be`)
}
