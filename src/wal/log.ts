import { randomBytes } from 'node:crypto'
import { CompressedKvError } from '../errors.js'
import { SEGMENT_HEADER_BYTES, STORE_ID_BYTES } from './format/format.js'
import type { Position } from './format/position.js'
import { withCodecApplied } from './format/record-codec.js'
import type { LogRecord, WalRecord } from './format/record.js'
import { type Lock, makeAndLock } from './lock/lock.js'
import { WalObserver, type WalStats } from './observer.js'
import { type WalSettings, withLoadedCodec } from './options.js'
import type { CursorStart, FrameCursor } from './reading/frame-cursor.js'
import { LogReads, type ReadContext } from './reading/log-reads.js'
import type { ReadOptions } from './reading/read-start.js'
import type { RecordIterator } from './reading/record-iterator.js'
import type { RecoveredLog, RecoveryReport } from './recovery/recovered-log.js'
import { recoverLog } from './recovery/recovery.js'
import { salvageLog } from './recovery/salvage.js'
import type { SegmentExtent } from './segments/recovered-segment.js'
import { endOf, type Segment, Segments } from './segments/segments.js'
import { GroupCommit } from './writing/group-commit.js'
import { IntervalSync } from './writing/interval-sync.js'
import type { OpenFrame, Waiter } from './writing/open-frame.js'
import { SegmentWriter } from './writing/segment-writer.js'
import { findSnapshot, type SnapshotPlace, SnapshotWriter, type WriteFrame } from './writing/snapshot-frames.js'

/** What a store knows of its log and the log cannot find out by itself. */
export interface LogContext extends ReadContext {
  /** An existing log must have this id; a new one gets it. Default: any id, and a random one for a new log. */
  readonly storeId?: Buffer | undefined
  /** The next record gets at least this number. */
  readonly minSequence?: number | undefined
  /** Whoever had the log open before has ended, unless it is this thread, or certainly runs: a lock that was left is taken over. */
  readonly ownerIsDead?: boolean | undefined
  /** With `readOnly`: a missing directory is a log without segments. */
  readonly mayBeMissing?: boolean | undefined
  /** Called with the segments that were found, before opening changes anything. Throws if they are not those that the store needs. */
  readonly approve?: ((segments: readonly SegmentExtent[]) => void) | undefined
}

/** An open log. The store uses all of it, users the part that `Wal` offers. */
export class Log {
  readonly storeId: Buffer
  /** The newest complete snapshot that was found when the log was opened. */
  readonly snapshot: SnapshotPlace | undefined
  readonly #settings: WalSettings
  readonly #observer: WalObserver
  readonly #segments: Segments
  readonly #reads: LogReads
  readonly #lock: Lock | undefined
  readonly #writer: SegmentWriter
  readonly #commit: GroupCommit
  readonly #interval: IntervalSync | undefined
  /** Number of the next record that readers will see. The writer's own is higher while records are being synced. */
  #nextSequence: number
  #closing: Promise<void> | undefined

  private constructor(
    settings: WalSettings,
    context: LogContext,
    observer: WalObserver,
    recovered: RecoveredLog,
    lock: Lock | undefined
  ) {
    this.#settings = settings
    this.#observer = observer
    this.#lock = lock
    this.storeId = recovered.storeId ?? context.storeId ?? randomBytes(STORE_ID_BYTES)
    this.snapshot = findSnapshot(recovered.segments)
    this.#segments = new Segments(settings, this.storeId, recovered.segments, observer)
    const end = () => {
      this.#assertOpen()
      return { position: this.position, sequence: this.#nextSequence }
    }
    this.#reads = new LogReads(settings, context, this.#segments, end, recovered.snapshots)
    const tail = {
      ...recovered.tail,
      nextSequence: Math.max(recovered.tail.nextSequence, context.minSequence ?? 1)
    }
    this.#nextSequence = tail.nextSequence
    this.#writer = new SegmentWriter({ ...settings, storeId: this.storeId, observer }, tail)
    this.#commit = new GroupCommit(this.#writer, {
      codec: settings.codec,
      codecMayYield: settings.codecMayYield,
      blockBytes: settings.blockBytes,
      alwaysSync: settings.fsync === 'always',
      observer,
      onSettled: (frame, storedBytes) => this.#onSettled(frame, storedBytes)
    })
    if (settings.fsync === 'interval') {
      this.#interval = new IntervalSync(settings.fsyncIntervalMs, () => this.#writer.sync())
    }
    observer.segmentsChanged(this.#segments.count)
  }

  /**
   * Opens the log in a directory, or a new one.
   *
   * @throws LEVEL_LOCKED, LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED; LEVEL_IO_ERROR where the directory cannot be made or written; errors
   *   of the file system while reading
   */
  static async open(given: WalSettings, context: LogContext): Promise<{ log: Log; recovery: RecoveryReport }> {
    const settings = withLoadedCodec(given)
    const { fs, directory, readOnly, recovery: mode, meter, onEvent, onProgress } = settings
    const observer = new WalObserver(meter, onEvent)
    const lock = readOnly ? undefined : await makeAndLock(settings, context.ownerIsDead)
    try {
      const { storeId, approve, mayBeMissing } = context
      const recover = { fs, directory, readOnly, storeId, approve, mayBeMissing, observer, onProgress }
      const recovered = await (mode === 'salvage'
        ? salvageLog({ ...recover, unseal: context.unseal })
        : recoverLog({ ...recover, mode }))
      return { log: new Log(settings, context, observer, recovered, lock), recovery: recovered.report }
    } catch (error) {
      await lock?.release().catch(() => {}) // The first error matters more.
      throw error
    }
  }

  // ---- writing

  /**
   * Appends a record. Its bytes are copied before this returns.
   *
   * @param waiting is settled when the record is written, and on stable storage if the policy or `sync` asks for it
   * @returns the frame that the record is in
   * @throws LEVEL_READONLY, LEVEL_DATABASE_NOT_OPEN, LEVEL_IO_ERROR, CKV_BUSY, CKV_VALUE_TOO_LARGE
   */
  append(record: LogRecord, sync: boolean, waiting: Waiter): OpenFrame {
    this.assertWritable()
    return this.#commit.append(withCodecApplied(record), sync, waiting)
  }

  /** Appends records, all or none; see {@link append}. */
  appendBatch(records: readonly LogRecord[], sync: boolean, waiting: Waiter): OpenFrame {
    this.assertWritable()
    return this.#commit.appendBatch(records.map(withCodecApplied), sync, waiting)
  }

  /** Resolves when everything appended so far is on stable storage. */
  async sync(): Promise<void> {
    this.assertWritable()
    return this.#commit.sync()
  }

  /** Resolves when everything appended so far is either written or rejected. */
  settled(): Promise<void> {
    return this.#commit.settled()
  }

  /** Puts on stable storage what is written already; appends go on meanwhile. */
  syncWritten(): Promise<void> {
    return this.#writer.sync()
  }

  /** Begins a segment to write to, if none is open. Resolves with the time when the last segment was created, in ms since 1970. */
  async ensureSegment(): Promise<number> {
    this.assertWritable()
    if (this.#writer.openSegment === 0) await this.#commit.run(() => this.#writer.prepare(0))
    return this.#writer.createdAt
  }

  /** Ends the open segment and begins another, from which the sequence numbers go on even if all segments before it are deleted. */
  async roll(): Promise<void> {
    this.assertWritable()
    return this.#commit.run(async () => {
      await this.#sealUsed()
      await this.#writer.prepare(0)
      this.#segments.began(this.#writer.openSegment, this.#nextSequence)
    })
  }

  /** Bytes of the open segment, which is written to; 0 if there is none. */
  get openSegmentBytes(): number {
    const open = this.#openSegment
    return open === undefined ? 0 : endOf(open)
  }

  /** Bytes of the last segment, open or not; 0 if there is none. */
  get lastSegmentBytes(): number {
    const { last } = this.#segments
    return last === undefined ? 0 : endOf(last)
  }

  get #openSegment(): Segment | undefined {
    const { last } = this.#segments
    return last?.id === this.#writer.openSegment ? last : undefined
  }

  /** Deletes whole segments that lie before a position, oldest first, and stops at one that is being read. Returns how many were deleted. */
  async deleteSegmentsBefore({ segment }: Pick<Position, 'segment'>): Promise<number> {
    this.assertWritable()
    return this.#segments.deleteBefore(segment)
  }

  /** Id of the oldest segment that has, or will have, records above a number: segments before it are not needed for those. */
  segmentAbove(sequence: number): number {
    return this.#segments.firstAbove(sequence)?.id ?? this.position.segment
  }

  /** Writes a snapshot, one at a time; see `snapshot-frames.ts`. */
  snapshotWriter(): SnapshotWriter {
    this.assertWritable()
    const { blockBytes, codec } = this.#settings
    const writeBetweenAppends: WriteFrame = (frame, { newSegment, sync }) =>
      this.#commit.run(async () => {
        if (newSegment) await this.#sealUsed()
        await this.#writer.prepare(frame.stored.length)
        const [written] = await this.#writer.write([frame])
        this.#segments.written(written!, frame.stored.length, 0)
        if (sync) await this.#writer.sync()
        return written!.segment
      })
    return new SnapshotWriter(blockBytes, codec, writeBetweenAppends)
  }

  // ---- reading

  /** Where the next record will lie, unless it begins a new segment because it does not fit into this one. */
  get position(): Position {
    const { last } = this.#segments
    const current = this.#settings.readOnly ? last : this.#openSegment
    if (current !== undefined) return { segment: current.id, offset: endOf(current), index: 0 }
    return { segment: (last?.id ?? 0) + 1, offset: SEGMENT_HEADER_BYTES, index: 0 }
  }

  /** Number of the next record. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /** Number of the first record that the oldest segment can hold; `nextSequence` if there is no segment. */
  get firstSequence(): number {
    return this.#segments.first?.firstSequence ?? this.#nextSequence
  }

  /** Id of the oldest segment; 0 if there is none. */
  get firstSegment(): number {
    return this.#segments.first?.id ?? 0
  }

  /** Whether nothing was ever written to the log, neither records nor a snapshot. */
  get isNew(): boolean {
    return this.#nextSequence === 1 && this.snapshot === undefined
  }

  /** How many segments there are, the open one included. */
  get segmentCount(): number {
    return this.#segments.count
  }

  /** Size of all segment files together, without their seals. */
  get bytes(): number {
    return this.#segments.bytes
  }

  /** Bytes of the frames that were appended since the log was opened. */
  get appendedBytes(): number {
    return this.#observer.appendedBytes
  }

  /** Why nothing can be written any more; undefined while it can. */
  get poison(): Error | undefined {
    return this.#writer.poison
  }

  /** @throws CKV_OUT_OF_RANGE, LEVEL_CORRUPTION, LEVEL_DATABASE_NOT_OPEN, CKV_INVALID_OPTION */
  get(at: Position | number): Promise<WalRecord> {
    try {
      this.#assertOpen()
      return Promise.resolve(this.#reads.get(at))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  read(options: ReadOptions = {}): RecordIterator {
    return this.#reads.read(options)
  }

  /** Reads frames of all types, from a place on. */
  frames(start: CursorStart): FrameCursor {
    return this.#reads.frames(start)
  }

  stats(): WalStats {
    return this.#observer.stats()
  }

  // ---- closing

  /**
   * Waits for appends under way, seals the last segment and releases files and lock.
   *
   * @param unlock is given what releases the lock, if that is to be done later
   * @throws what kept the seal from being written; files and lock are released all the same, and the next open recovers
   */
  close(unlock?: (release: () => Promise<void>) => void): Promise<void> {
    return (this.#closing ??= this.#close(unlock))
  }

  async #close(unlock: ((release: () => Promise<void>) => void) | undefined): Promise<void> {
    await this.#commit.drain()
    this.#interval?.stop()
    try {
      if (this.#writer.poison === undefined) await this.#writer.seal()
    } finally {
      await this.#writer.release().catch(() => {})
      this.#reads.close()
      await this.#segments.close()
      this.#observer.closed()
      if (unlock === undefined) await this.#lock?.release()
      else unlock(async () => this.#lock?.release())
    }
  }

  /**
   * Seals the open segment, unless nothing was written to it because its first write failed. `Segments` does not know such a segment: it would delete
   * later ones and never this one, which would leave a gap.
   */
  async #sealUsed(): Promise<void> {
    if (this.openSegmentBytes > 0) await this.#writer.seal()
  }

  /** A frame is written, and on stable storage if it had to be: readers may see it from now on. */
  #onSettled(frame: OpenFrame, storedBytes: number): void {
    this.#segments.written(frame, storedBytes, frame.count)
    this.#nextSequence = frame.firstSequence + frame.count
    this.#interval?.request()
    this.#reads.grown()
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', 'The log is closed')
  }

  /** @throws LEVEL_READONLY, LEVEL_DATABASE_NOT_OPEN */
  assertWritable(): void {
    this.#assertOpen()
    if (!this.#settings.readOnly) return
    throw new CompressedKvError(
      'LEVEL_READONLY',
      "The log was opened read-only: open it without readOnly and recovery: 'salvage' to append"
    )
  }
}
