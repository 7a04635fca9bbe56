import { nextTick } from 'node:process' // Not the global ones: fake timers of a test replace those.
import { setImmediate } from 'node:timers'
import { type Codec, CODEC_ID } from '../../codec/codec.js'
import { CompressedKvError, tooLargeForFrame } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import { nextTurn, Turn } from '../../turn.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, MAX_FRAME_BYTES } from '../format/format.js'
import type { StoredPayload } from '../format/frame-payload.js'
import type { LogRecord } from '../format/record.js'
import type { WalObserver } from '../observer.js'
import { FrameCompression } from './frame-compression.js'
import { FrameMemory } from './frame-memory.js'
import type { WritableFrame } from './frame-writer.js'
import { OpenFrame, recordBytes, waiter, type Waiter } from './open-frame.js'
import type { SegmentWriter } from './segment-writer.js'

/*
 * The write path of the log, from top to bottom:
 *
 *     append() ──► open frame ──full, or nothing is being written──► close: compress ──► write, one group at a time
 *                                                                                           │
 *                                                                  fsync, if somebody waits for one ──► resolve
 *
 * Frames are compressed as soon as they are full, several at once, while earlier ones are written and synced. When a write ends, all frames
 * that are ready are written, and synced, together.
 */

/** The most bytes of a write if nobody waits for an fsync. Small, so that callers wake early, and append again while the next group is written. */
const MAX_GROUP_BYTES = 512 * 1024
/** The most bytes of a write that is followed by an fsync. Larger, so that many share it. */
const MAX_SYNCED_GROUP_BYTES = 4 * 1024 * 1024
/** The most raw bytes that may wait to be written. Callers that await their appends never come near it. */
const MAX_PENDING_BYTES = 256 * 1024 * 1024

/** A frame that takes no more records. */
interface ClosedFrame {
  readonly frame: OpenFrame
  /** What the segment writer gets; undefined while it is being compressed. */
  writable: WritableFrame | undefined
  readonly compressed: Promise<void> | undefined
}

/** Memory of the first frame, too small for any record: so a log allocates its MiB when it first writes, and not before. */
const NO_MEMORY = Buffer.alloc(0)

interface GroupCommitSettings {
  readonly codec: Codec
  /** Whether frames may be stored uncompressed to save time. */
  readonly codecMayYield: boolean
  readonly blockBytes: number
  /** Whether every write waits for stable storage. */
  readonly alwaysSync: boolean
  readonly observer: WalObserver
  /** Called when a frame is written, and on stable storage if it had to be: readers may see it from then on. */
  readonly onSettled: (frame: OpenFrame, storedBytes: number) => void
}

export class GroupCommit {
  readonly #writer: SegmentWriter
  readonly #settings: GroupCommitSettings
  readonly #memory: FrameMemory
  readonly #compression: FrameCompression
  #open: OpenFrame
  #closed: ClosedFrame[] = []
  #running: Promise<void> | undefined
  #pendingBytes = 0
  readonly #turn = new Turn()
  /** Calls of {@link run} that wait for their turn. */
  #tasks: (() => Promise<void>)[] = []

  constructor(writer: SegmentWriter, settings: GroupCommitSettings) {
    this.#writer = writer
    this.#settings = settings
    this.#memory = new FrameMemory(settings.blockBytes)
    this.#compression = new FrameCompression(settings.codec, settings.codecMayYield)
    this.#open = new OpenFrame(NO_MEMORY)
  }

  /**
   * Appends a record. Its bytes are copied before this returns.
   *
   * @param waiting is settled when the record is written, and synced if that was asked for
   * @returns the frame that the record is in
   * @throws LEVEL_IO_ERROR after a failure that cannot be undone; CKV_BUSY; CKV_VALUE_TOO_LARGE
   */
  append(record: LogRecord, sync: boolean, waiting: Waiter): OpenFrame {
    const size = recordBytes(record)
    const frame = this.#frameFor(size, sync)
    waiting.index = frame.count
    waiting.count = 1
    frame.waiters.push(waiting)
    frame.add(record, false)
    this.#start()
    return frame
  }

  /** Appends records that are written all or none, in one frame; see {@link append}. */
  appendBatch(records: readonly LogRecord[], sync: boolean, waiting: Waiter): OpenFrame {
    let size = 0
    for (const record of records) size += recordBytes(record)
    const frame = this.#frameFor(size, sync)
    waiting.index = frame.count
    waiting.count = records.length
    frame.waiters.push(waiting)
    const last = records.length - 1
    for (let i = 0; i <= last; i++) frame.add(records[i]!, i < last)
    this.#start()
    return frame
  }

  /** Resolves when everything appended so far is on stable storage. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#writer.sync()
    return new Promise((resolve, reject) => {
      this.#open.sync = true
      this.#open.waiters.push(waiter(() => resolve(), reject))
    })
  }

  /** Resolves when everything appended so far is either written or rejected. */
  settled(): Promise<void> {
    if (this.#running === undefined) return Promise.resolve()
    return new Promise(resolve => {
      const done = () => resolve()
      this.#open.waiters.push(waiter(done, done))
    })
  }

  /** Runs `work` while nothing else is being written. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => work().then(resolve, reject))
      this.#start()
    })
  }

  /** Resolves when nothing is left to be written, not even what was appended meanwhile. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** The frame that takes `size` bytes more. */
  #frameFor(size: number, sync: boolean): OpenFrame {
    const { poison } = this.#writer
    if (poison !== undefined) throw poison
    this.#assertRoom(size)
    if (!this.#open.fits(size)) this.#close(true, size)
    if (sync || this.#settings.alwaysSync) this.#open.sync = true
    this.#pendingBytes += size
    return this.#open
  }

  #assertRoom(size: number): void {
    if (!(size <= MAX_FRAME_BYTES)) throw tooLargeForFrame(size, MAX_FRAME_BYTES)
    if (this.#pendingBytes === 0 || this.#pendingBytes + size <= MAX_PENDING_BYTES) return
    throw new CompressedKvError(
      'CKV_BUSY',
      `${this.#pendingBytes} bytes wait to be written to the log, and the limit is ${MAX_PENDING_BYTES}: await the appends before`
    )
  }

  // ---- frames

  /** Closes the open frame, begins to compress it, and opens one that takes `size` bytes. */
  #close(isFull: boolean, size = 0): void {
    const frame = this.#open
    this.#memory.keep(frame.bytes, frame.count === 0 ? 0 : frame.whole.length)
    this.#open = new OpenFrame(this.#memory.take(size))
    if (frame.waiters.length === 0) return this.#memory.release(frame.bytes)
    const stored = this.#compression.store(frame.raw, isFull)
    if (!isPromise(stored)) {
      this.#closed.push({ frame, writable: writableFrame(frame, stored), compressed: undefined })
      return
    }
    const closed: ClosedFrame = {
      frame,
      writable: undefined,
      compressed: stored.then(payload => void (closed.writable = writableFrame(frame, payload)))
    }
    this.#closed.push(closed)
  }

  // ---- writing

  #start(): void {
    if (this.#running !== undefined) return
    // Not before the callbacks of promises that are settled already have run: what they append goes into the same frame.
    this.#running = new Promise(resolve => {
      const run = () => void this.#writeAll(resolve)
      if (this.#turn.isOver) setImmediate(run)
      else nextTick(run)
    })
  }

  /** Never rejects: each call gets its own outcome. */
  async #writeAll(done: () => void): Promise<void> {
    for (;;) {
      for (const task of this.#tasks.splice(0)) await task()
      if (this.#closed.length === 0) {
        if (this.#open.waiters.length > 0) this.#close(false)
        else if (this.#tasks.length > 0) continue
        else break
      }
      if (this.#turn.isOver) await nextTurn()
      const first = this.#closed[0]!
      if (first.compressed !== undefined) await first.compressed
      await this.#writeGroup(this.#takeGroup())
    }
    this.#running = undefined // Nothing is awaited since the last look: an append that comes later has to start writing again.
    done()
  }

  /** Takes the frames that are ready, as many as fit into the open segment and into one write. */
  #takeGroup(): ClosedFrame[] {
    const maxBytes = this.#closed[0]!.frame.sync ? MAX_SYNCED_GROUP_BYTES : MAX_GROUP_BYTES
    let bytes = 0
    let taken = 0
    for (const { writable } of this.#closed) {
      if (writable === undefined) break
      bytes += FRAME_HEADER_BYTES + writable.stored.length
      if (taken > 0 && (bytes > maxBytes || bytes > this.#writer.room)) break
      taken++
    }
    return this.#closed.splice(0, taken)
  }

  async #writeGroup(group: readonly ClosedFrame[]): Promise<void> {
    try {
      // A frame without records is only there for those who wait for a sync.
      const frames = group.filter(({ frame }) => frame.count > 0)
      if (frames.length > 0) {
        await this.#writer.prepare(frames[0]!.writable!.stored.length)
        const written = await this.#writer.write(frames.map(({ writable }) => writable!))
        for (const [i, { frame }] of frames.entries()) frame.writtenAt(written[i]!)
      }
      if (group.some(({ frame }) => frame.sync)) await this.#writer.syncGroup(storedBytes(frames))
    } catch (error) {
      for (const { frame } of group) this.#reject(frame, error)
      return
    }
    for (const { frame, writable } of group) this.#settle(frame, writable!)
  }

  #settle(frame: OpenFrame, { stored }: WritableFrame): void {
    this.#pendingBytes -= frame.length
    if (frame.count > 0) {
      this.#settings.observer.appended(frame.count, frame.length, FRAME_HEADER_BYTES + stored.length)
      this.#settings.onSettled(frame, stored.length)
    }
    frame.settle()
    this.#memory.release(frame.bytes)
  }

  #reject(frame: OpenFrame, error: unknown): void {
    this.#pendingBytes -= frame.length
    frame.reject(error)
    this.#memory.release(frame.bytes)
  }
}

function storedBytes(frames: readonly ClosedFrame[]): number {
  return frames.reduce((sum, { writable }) => sum + FRAME_HEADER_BYTES + writable!.stored.length, 0)
}

function writableFrame(frame: OpenFrame, { codecId, bytes }: StoredPayload): WritableFrame {
  const whole = codecId === CODEC_ID.none ? frame.whole : undefined
  return { type: FRAME_TYPE.data, codecId, stored: bytes, whole, rawLength: frame.length, count: frame.count }
}
