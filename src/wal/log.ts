import { randomBytes } from 'node:crypto'
import { CompressedKvError, invalidOption, ioError } from '../errors.js'
import { assertKnownOptions } from '../known-options.js'
import type { Unseal } from './decoded-frame.js'
import { FollowSignal } from './follow-signal.js'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, STORE_ID_BYTES } from './format.js'
import { type CursorStart, FrameCursor } from './frame-cursor.js'
import { GroupCommit } from './group-commit.js'
import { IntervalSync } from './interval-sync.js'
import { type Lock, lockDirectory } from './lock.js'
import { WalObserver, type WalStats } from './observer.js'
import type { OpenFrame, Waiter } from './open-frame.js'
import type { WalSettings } from './options.js'
import { PointReader } from './point-reader.js'
import type { Position } from './position.js'
import type { LogRecord, WalRecord } from './record.js'
import { withCodecApplied } from './record-codec.js'
import { type IterationStart, RecordIterator } from './record-iterator.js'
import { type RecoveredLog, recoverLog, type RecoveryReport, type SegmentExtent } from './recovery.js'
import { salvageLog } from './salvage.js'
import { SegmentWriter } from './segment-writer.js'
import { asPosition, READ_OPTIONS, type ReadOptions, resolveStart } from './read-start.js'
import { Segments } from './segments.js'
import { findSnapshot, type SnapshotPlace, SnapshotWriter } from './snapshot-frames.js'

/** What a store knows of its log. */
export interface LogContext {
  /** The log must be this one; a new one becomes it. Default: any, and a new one gets one at random. */
  readonly storeId?: Buffer | undefined
  /** The next record gets at least this number. */
  readonly minSequence?: number | undefined
  /** Whoever had the log open before is gone: a lock that is left of it counts for nothing. */
  readonly ownerIsDead?: boolean | undefined
  /** With `readOnly`: a directory that is not there is a log without segments. */
  readonly mayBeMissing?: boolean | undefined
  /** Throws if these are not the segments that the store needs; called before opening changes anything. */
  readonly approve?: ((segments: readonly SegmentExtent[]) => void) | undefined
  /** Opens the envelopes that records hold. */
  readonly unseal: Unseal
  /** Records with these keys are not shown to readers. */
  readonly isHidden?: ((key: Uint8Array) => boolean) | undefined
}

/** A log, open. `Wal` shows what users need of it, the store uses all. */
export class Log {
  readonly storeId: Buffer
  /** The newest complete snapshot that was found when the log was opened. */
  readonly snapshot: SnapshotPlace | undefined
  readonly #settings: WalSettings
  readonly #context: LogContext
  readonly #observer: WalObserver
  readonly #segments: Segments
  readonly #points: PointReader
  readonly #follow = new FollowSignal()
  readonly #lock: Lock | undefined
  readonly #writer: SegmentWriter
  readonly #commit: GroupCommit
  readonly #interval: IntervalSync | undefined
  /** Number behind the last record that readers may see. The writer's own is ahead of it by what is being synced. */
  #nextSequence: number
  #deleting: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(
    settings: WalSettings,
    context: LogContext,
    observer: WalObserver,
    recovered: RecoveredLog,
    lock: Lock | undefined
  ) {
    this.#settings = settings
    this.#context = context
    this.#observer = observer
    this.#lock = lock
    this.storeId = recovered.storeId ?? context.storeId ?? randomBytes(STORE_ID_BYTES)
    this.snapshot = findSnapshot(recovered.segments)
    this.#segments = new Segments(settings.fs, settings.directory, recovered.segments)
    this.#points = new PointReader(this.#segments, context.unseal, context.isHidden)
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
      onSettled: (frame, storedBytes) => this.#settled(frame, storedBytes)
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
  static async open(settings: WalSettings, context: LogContext): Promise<{ log: Log; recovery: RecoveryReport }> {
    const { fs, directory, readOnly, recovery: mode, meter, onEvent, onProgress } = settings
    settings.codec.load?.()
    const observer = new WalObserver(meter, onEvent)
    const lock = readOnly ? undefined : await makeAndLock(settings, context)
    try {
      const { storeId, approve, mayBeMissing } = context
      const recover = { fs, directory, readOnly, storeId, approve, mayBeMissing, observer, onProgress }
      const recovered = await (mode === 'salvage' ? salvageLog(recover) : recoverLog({ ...recover, mode }))
      return { log: new Log(settings, context, observer, recovered, lock), recovery: recovered.report }
    } catch (error) {
      await lock?.release().catch(() => {}) // Why it was not opened matters more.
      throw error
    }
  }

  // ---- writing

  /**
   * Appends a record. Its bytes are copied before this returns.
   *
   * @param waiting told when it is written, and on stable storage if the policy or `sync` asks for it
   * @returns the frame that it is in
   * @throws LEVEL_READONLY, LEVEL_DATABASE_NOT_OPEN, LEVEL_IO_ERROR, CKV_BUSY, CKV_VALUE_TOO_LARGE
   */
  append(record: LogRecord, sync: boolean, waiting: Waiter): OpenFrame {
    this.#assertWritable()
    return this.#commit.append(withCodecApplied(record), sync, waiting)
  }

  /** Appends records, all or none; see {@link append}. */
  appendBatch(records: readonly LogRecord[], sync: boolean, waiting: Waiter): OpenFrame {
    this.#assertWritable()
    return this.#commit.appendBatch(records.map(withCodecApplied), sync, waiting)
  }

  /** Resolves when everything appended so far is on stable storage. */
  async sync(): Promise<void> {
    this.#assertWritable()
    return this.#commit.sync()
  }

  /** Resolves when everything appended so far has been written or rejected. */
  settled(): Promise<void> {
    return this.#commit.settled()
  }

  /** Puts on stable storage what is written already; appends go on meanwhile. */
  syncWritten(): Promise<void> {
    return this.#writer.sync()
  }

  /** Makes the first segment, if there is none. */
  ensureSegment(): Promise<void> {
    if (this.#segments.count > 0 || this.#writer.openSegment > 0) return Promise.resolve()
    return this.#commit.run(() => this.#writer.prepare(0))
  }

  /** Ends the open segment and begins another, which keeps the numbers when the others are deleted. */
  roll(): Promise<void> {
    return this.#commit.run(async () => {
      await this.#sealUsed()
      await this.#writer.prepare(0)
      this.#segments.began(this.#writer.openSegment, this.storeId, this.#nextSequence)
    })
  }

  /** Bytes of the segment that is written to; 0 if there is none. */
  get openSegmentBytes(): number {
    const last = this.#segments.last
    return last !== undefined && last.id === this.#writer.openSegment ? (last.runs.at(-1)?.to ?? 0) : 0
  }

  /** Deletes whole segments that lie before a position, oldest first, up to one that is being read. Returns how many. */
  async deleteSegmentsBefore({ segment }: Pick<Position, 'segment'>): Promise<number> {
    this.#assertWritable()
    // One call after another: which of two files is gone first after a power cut must not be left to chance.
    const turn = this.#deleting.then(() => this.#deleteBefore(segment))
    this.#deleting = turn.then(
      () => {},
      () => {}
    )
    return turn
  }

  async #deleteBefore(segment: number): Promise<number> {
    const start = performance.now()
    let deleted = 0
    try {
      await this.#segments.deleteBefore(segment, () => deleted++)
    } finally {
      if (deleted > 0) this.#observer.deleted(deleted, performance.now() - start)
    }
    return deleted
  }

  /** The oldest segment that has records above a number: those before it are not needed for them. */
  segmentAbove(sequence: number): number {
    return this.#segments.firstAbove(sequence)?.id ?? this.position.segment
  }

  /** Writes a snapshot, one at a time; see `snapshot-frames.ts`. */
  snapshotWriter(): SnapshotWriter {
    this.#assertWritable()
    const { blockBytes, codec } = this.#settings
    return new SnapshotWriter(blockBytes, codec, (frame, { newSegment, sync }) =>
      this.#commit.run(async () => {
        if (newSegment) await this.#sealUsed()
        await this.#writer.prepare(frame.stored.length)
        const [written] = await this.#writer.write([frame])
        this.#note(written!, frame.stored.length, 0)
        if (sync) await this.#writer.sync()
        return written!.segment
      })
    )
  }

  // ---- reading

  /** Where the next record will lie, as far as is known: it may begin a new segment. */
  get position(): Position {
    const last = this.#segments.last
    if (last !== undefined && (last.id === this.#writer.openSegment || this.#settings.readOnly)) {
      return { segment: last.id, offset: last.runs.at(-1)?.to ?? SEGMENT_HEADER_BYTES, index: 0 }
    }
    return { segment: (last?.id ?? 0) + 1, offset: SEGMENT_HEADER_BYTES, index: 0 }
  }

  /** Number of the next record. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /** Of the first record that the oldest segment can hold; `nextSequence` if there is none. */
  get firstSequence(): number {
    return this.#segments.first?.firstSequence ?? this.#nextSequence
  }

  /** Id of the oldest segment; 0 if there is none. */
  get firstSegment(): number {
    return this.#segments.first?.id ?? 0
  }

  /** Whether nothing was ever written to it, neither records nor a snapshot. */
  get isNew(): boolean {
    return this.#nextSequence === 1 && this.snapshot === undefined
  }

  /** Of all segment files. */
  get bytes(): number {
    return this.#segments.bytes
  }

  /** Of the frames that were appended since the log was opened. */
  get appendedBytes(): number {
    return this.#observer.appendedBytes
  }

  /** Why nothing is written any more, if so. */
  get poison(): Error | undefined {
    return this.#writer.poison
  }

  /** @throws CKV_OUT_OF_RANGE, LEVEL_CORRUPTION, LEVEL_DATABASE_NOT_OPEN */
  get(at: Position | number): WalRecord | Promise<WalRecord> {
    this.#assertOpen()
    return typeof at === 'number' ? this.#points.bySequence(at) : this.#points.byPosition(asPosition(at))
  }

  read(options: ReadOptions = {}): RecordIterator {
    assertKnownOptions('read()', options, READ_OPTIONS)
    const { from, follow = false, signal } = options
    if (follow && this.#settings.readOnly) {
      throw invalidOption('A log that was opened with readOnly does not grow: it cannot be followed')
    }
    return new RecordIterator(async () => this.#startAt(from), {
      unseal: this.#context.unseal,
      isHidden: this.#context.isHidden,
      follow: follow ? this.#follow : undefined,
      signal
    })
  }

  /** Goes through the frames of all types, from a place on. */
  frames(start: CursorStart): FrameCursor {
    return new FrameCursor(this.#settings.fs, this.#settings.directory, this.#segments, start)
  }

  stats(): WalStats {
    return this.#observer.stats()
  }

  // ---- closing

  /**
   * Waits for appends under way, seals the last segment and lets go of everything.
   *
   * @throws what kept the seal from being written; everything is let go of all the same, and the next open recovers
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#commit.drain()
    await this.#deleting
    this.#interval?.stop()
    try {
      if (this.#writer.poison === undefined) await this.#writer.seal()
    } finally {
      await this.#writer.release().catch(() => {})
      this.#follow.close()
      this.#observer.closed()
      await this.#segments.close()
      await this.#lock?.release()
    }
  }

  /** Not a segment whose first write failed: nothing knows of it, so it would never be deleted, and those behind it would. */
  async #sealUsed(): Promise<void> {
    if (this.openSegmentBytes > 0) await this.#writer.seal()
  }

  #settled(frame: OpenFrame, storedBytes: number): void {
    this.#note(frame, storedBytes, frame.count)
    this.#nextSequence = frame.firstSequence + frame.count
    this.#interval?.request()
    this.#follow.notify()
  }

  #note(frame: { segment: number; offset: number; firstSequence: number }, storedBytes: number, count: number): void {
    const { segment, offset, firstSequence } = frame
    const end = offset + FRAME_HEADER_BYTES + storedBytes
    this.#segments.written(segment, this.storeId, { offset, end, firstSequence, count })
  }

  async #startAt(from: Position | number | undefined): Promise<IterationStart> {
    this.#assertOpen()
    const end = { position: this.position, sequence: this.#nextSequence }
    const { start, sequence, position } = await resolveStart(from, this.#segments, this.#points, end)
    return { cursor: this.frames(start), sequence, position }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', 'The log is closed')
  }

  #assertWritable(): void {
    this.#assertOpen()
    if (this.#settings.readOnly) throw new CompressedKvError('LEVEL_READONLY', 'The log was opened read-only')
  }
}

async function makeAndLock({ fs, directory }: WalSettings, { ownerIsDead }: LogContext): Promise<Lock> {
  try {
    await fs.makeDirectory(directory)
    return await lockDirectory(fs, directory, ownerIsDead)
  } catch (error) {
    if (error instanceof CompressedKvError) throw error
    throw ioError(
      `The log's directory ${directory} cannot be written; to only read the log, pass readOnly: true`,
      error
    )
  }
}
