import { CODEC_ID } from '../../codec/codec.js'
import { ioError } from '../../errors.js'
import type { File } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, SEGMENT_HEADER_BYTES, segmentSeed } from '../format/format.js'
import type { LogTail } from '../format/segment-header.js'
import type { WalObserver } from '../observer.js'
import { Allocation } from '../segments/allocation.js'
import { encodeSeal, removeSeal, syncSeal } from '../segments/seal.js'
import { createSegment } from '../segments/segment-creation.js'
import type { LogDirectory } from '../segments/segment-files.js'
import type { WrittenFrame } from '../segments/segments.js'
import { FrameWriter, type WritableFrame, type WritePlace } from './frame-writer.js'
import { OverlappingSyncs } from './overlapping-syncs.js'

/**
 * When this many bytes are covered by no fsync yet, one is started, whatever the policy. Otherwise the seal of a segment, or a `sync()`,
 * would have to wait for all of them at once.
 */
const WRITE_BEHIND_BYTES = 8 * 1024 * 1024
/** The most fsyncs under way at once. With two, the disk goes on with the next bytes while the first call returns. Each occupies a thread. */
const MAX_SYNCS = 2

/** The segment that is written to. */
interface OpenSegment extends WritePlace {
  /** ms since 1970 */
  readonly createdAt: number
  readonly allocation: Allocation
  syncedOffset: number
  /** End of what is on stable storage, or will be when the fsyncs under way have succeeded. */
  coveredOffset: number
}

interface SegmentWriterSettings extends LogDirectory {
  readonly storeId: Buffer
  readonly segmentBytes: number
  readonly observer: WalObserver
}

/**
 * Owns the end of the log: the open file, the offset in it and the next sequence number. Callers await each call of `prepare`, `write` and
 * `seal` before the next; `sync` may be called at any time.
 *
 * Opening a log creates no segment, and sealing one creates no other: `prepare` does that when something is to be written.
 */
export class SegmentWriter {
  readonly #settings: SegmentWriterSettings
  #open: OpenSegment | undefined
  /** The end of the log, without the open segment. */
  #tail: LogTail
  readonly #syncs = new OverlappingSyncs()
  #nextSync: Promise<void> | undefined
  #poison: Error | undefined
  readonly #frames = new FrameWriter()

  constructor(settings: SegmentWriterSettings, tail: LogTail) {
    this.#settings = settings
    this.#tail = tail
  }

  /** Id of the open segment, which is written to; 0 if there is none. */
  get openSegment(): number {
    return this.#open?.id ?? 0
  }

  /** When the last segment was created, ms since 1970; 0 if there never was one. */
  get createdAt(): number {
    return (this.#open ?? this.#tail).createdAt
  }

  /** Why nothing can be written any more; undefined while it can. */
  get poison(): Error | undefined {
    return this.#poison
  }

  /** How many bytes more the open segment takes; 0 or less once it is full. */
  get room(): number {
    return this.#settings.segmentBytes - (this.#open?.offset ?? SEGMENT_HEADER_BYTES)
  }

  /** Makes sure that the open segment has room for a frame of that many stored bytes. If not, seals it and creates a new one. */
  async prepare(storedLength: number): Promise<void> {
    this.#assertSound()
    const open = this.#open
    if (open !== undefined) {
      if (FRAME_HEADER_BYTES + storedLength <= this.room || open.offset === SEGMENT_HEADER_BYTES) return
      await this.seal()
    }
    await this.#create()
  }

  /**
   * Writes frames one after another into the open segment, all or none.
   *
   * @returns where they are
   * @throws an error of the file system if nothing was written and more can be; LEVEL_IO_ERROR if nothing can be written any more
   */
  async write(frames: readonly WritableFrame[]): Promise<WrittenFrame[]> {
    this.#assertSound()
    const open = this.#open!
    let written: WrittenFrame[]
    const next = { ...open } // A copy: `open` moves on only once all of it is written.
    try {
      written = await this.#frames.write(frames, next)
    } catch (error) {
      await this.#rollBack(open, error)
      throw error
    }
    this.#assertSound() // An fsync may have failed meanwhile: what lies before these frames may be lost, and then they are useless.
    const { offset, lastCrc, records, sequence } = next // Not `syncedOffset`, which an fsync may have moved on meanwhile.
    Object.assign(open, { offset, lastCrc, records, sequence })
    this.#writeBehind(open)
    return written
  }

  /** Preallocates if small groups are often synced, and then syncs. @param bytes size of the last write */
  async syncGroup(bytes: number): Promise<void> {
    const open = this.#open
    if (open !== undefined) await open.allocation.written(bytes, open.offset)
    return this.sync()
  }

  /** Puts everything written so far on stable storage. Calls made while one is under way share the next. */
  sync(): Promise<void> {
    const open = this.#open
    if (this.#poison !== undefined) return Promise.reject(this.#poison)
    if (open === undefined || open.syncedOffset === open.offset) return Promise.resolve()
    if (this.#syncs.areSettled) return this.#startSync(open)
    this.#nextSync ??= this.#syncs.settled().then(() => {
      this.#nextSync = undefined
      return this.sync()
    })
    return this.#nextSync
  }

  /** Starts an fsync that nobody waits for, so that a later one has less to do. */
  #writeBehind(open: OpenSegment): void {
    if (open.offset - open.coveredOffset < WRITE_BEHIND_BYTES) return
    if (this.#syncs.underWay < MAX_SYNCS && this.#nextSync === undefined) this.#startSync(open).catch(() => {})
  }

  /** Ends the open segment, if there is one: its seal says how many records it has, and nothing is ever written to it again. */
  async seal(): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    await this.sync()
    const seal = encodeSeal({ records: open.records, lastSequence: open.sequence - 1 })
    const sealAt = open.offset
    await open.allocation.giveBack(sealAt)
    await this.write([
      { type: FRAME_TYPE.seal, codecId: CODEC_ID.none, stored: seal, rawLength: seal.length, count: 0 }
    ])
    try {
      await this.sync()
    } catch (error) {
      await removeSeal(open.file, sealAt)
      throw error
    }
    this.#tail = {
      segment: open.id,
      end: { lastSequence: open.sequence - 1, length: open.offset, crc: open.lastCrc },
      createdAt: open.createdAt,
      nextSequence: open.sequence,
      synced: true
    }
    this.#open = undefined
    await open.file.close()
    this.#settings.observer.rolled(open.id, open.offset)
  }

  /** Closes the file as it is, without a seal. */
  async release(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await this.#syncs.settled()
    await open?.file.close()
  }

  /** Poisons the log: nothing can be written from now on. Returns the error that says so. */
  #fail(what: string, cause: unknown): Error {
    if (this.#poison === undefined) {
      this.#poison = ioError(`${what}; close the log and open it again`, cause)
      this.#settings.observer.poisoned(this.#poison)
    }
    return this.#poison
  }

  #assertSound(): void {
    if (this.#poison !== undefined) throw this.#poison
  }

  #startSync(open: OpenSegment): Promise<void> {
    const upTo = (open.coveredOffset = open.offset)
    let ms = 0
    return this.#syncs.run(
      async () => void (ms = await this.#fsync(open.file)),
      () => {
        open.syncedOffset = Math.max(open.syncedOffset, upTo)
        this.#settings.observer.fsynced(ms)
      }
    )
  }

  /** @returns how many ms it took */
  async #fsync(file: File): Promise<number> {
    const start = performance.now()
    try {
      await file.sync()
      return performance.now() - start
    } catch (error) {
      // The system may have dropped the bytes that it could not write, and would then report success the next time.
      throw this.#fail('The log could not be put on stable storage', error)
    }
  }

  /** Cuts off what a failed write has left, which must not lie before frames that are acknowledged later. */
  async #rollBack(open: OpenSegment, cause: unknown): Promise<void> {
    try {
      await open.file.truncate(open.offset)
    } catch {
      throw this.#fail('A write to the log failed and could not be undone', cause)
    }
  }

  async #create(): Promise<void> {
    const { storeId, observer } = this.#settings
    if (!this.#tail.synced) {
      await syncSeal(this.#settings, this.#tail, error => {
        throw this.#fail('The end of the last segment could not be put on stable storage', error)
      })
      this.#tail = { ...this.#tail, synced: true }
    }
    const id = this.#tail.segment + 1
    const sequence = this.#tail.nextSequence
    const createdAt = Math.max(Date.now(), this.#tail.createdAt) // Never earlier than the segment before, even if the clock was set back.
    const header = { storeId, id, firstSequence: sequence, createdAt, previous: this.#tail.end }
    const { file, crc } = await createSegment(this.#settings, header, error => {
      throw this.#fail('A segment could not be created', error)
    })
    this.#open = {
      id,
      createdAt,
      file,
      allocation: new Allocation(file),
      seed: segmentSeed(storeId, id),
      offset: SEGMENT_HEADER_BYTES,
      syncedOffset: SEGMENT_HEADER_BYTES,
      coveredOffset: SEGMENT_HEADER_BYTES,
      lastCrc: crc,
      records: 0,
      sequence
    }
    observer.segmentsChanged(1)
  }
}
