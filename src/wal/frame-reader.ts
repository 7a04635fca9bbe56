import { corruption } from '../errors.js'
import { type FrameHeader, isPlausible } from './frame-header.js'
import { nextTurn } from '../turn.js'
import type { BadFrame, Frame, FrameScanner } from './frame-scanner.js'
import { restorePayload, restorePayloadSync } from './frame-payload.js'

/** A frame and its raw payload. */
export interface RestoredFrame {
  readonly frame: Frame
  readonly payload: Buffer
}

/** Frames that are decompressed ahead of the one asked for, so that other threads do it. */
const AHEAD_FRAMES = 4
/** The same where the calling thread decompresses too, and gets ahead of the others. */
const TRANSIENT_AHEAD_FRAMES = 12
/** Raw bytes they may take together, beside the first. */
const AHEAD_BYTES = 8 * 1024 * 1024

/** So many of them at once on other threads. Where nothing else is to be done meanwhile, the calling thread takes the next ones. */
const OFF_THREAD_FRAMES = 3
/** Raw bytes of a frame that the calling thread takes, at most: for LZ4 about 200 µs. */
const MAX_HERE_BYTES = 256 * 1024

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
  /** Frames that other threads are decompressing. */
  #offThread = 0

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
    const { frame, payload } = first
    this.#aheadBytes -= frame.header.rawLength
    const restored = payload instanceof Promise ? await payload : payload
    if (this.#transient || restored !== frame.stored) this.#last = frame
    return { frame, payload: restored }
  }

  async #fill(): Promise<void> {
    const frames = this.#transient ? TRANSIENT_AHEAD_FRAMES : AHEAD_FRAMES
    while (this.#bad === undefined && this.#ahead.length < frames && this.#aheadBytes < AHEAD_BYTES) {
      let found: Frame | BadFrame | undefined
      try {
        found = await this.#scanner.next()
      } catch (error) {
        if (this.#ahead.length > 0) return // It is met again when those before it have been read.
        throw error
      }
      if (found === undefined) return
      if ('badAt' in found) this.#bad = found
      else {
        const busy = this.#offThread
        this.#ahead.push({ frame: found, payload: this.#restore(found) })
        this.#aheadBytes += found.header.rawLength
        // The other threads may have come to an end, and get the next frames.
        if (busy > 0 && this.#offThread === busy) await nextTurn()
      }
    }
  }

  /** What fails is told to the reader that comes to it, not to those before. */
  #restore({ header, stored, offset }: Frame): Buffer | Promise<Buffer> {
    let payload: Buffer | Promise<Buffer>
    try {
      if (!isPlausible(header)) throw corruption(`the frame at ${offset} of the log claims what cannot be`)
      payload = this.#takesHere(header) ? restorePayloadSync(header, stored) : restorePayload(header, stored)
    } catch (error) {
      payload = Promise.reject(error)
    }
    if (payload instanceof Promise) {
      this.#offThread++
      const done = () => void this.#offThread--
      payload.then(done, done)
    }
    return payload
  }

  #takesHere({ rawLength }: FrameHeader): boolean {
    return this.#transient && this.#offThread >= OFF_THREAD_FRAMES && rawLength <= MAX_HERE_BYTES
  }
}
