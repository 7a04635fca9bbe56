import { CompressedKvError } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import { Lane } from '../../lane.js'
import { recordOf, type Unseal } from '../format/decoded-frame.js'
import { FRAME_TYPE } from '../format/format.js'
import { noSuchIndex, type Position } from '../format/position.js'
import { RecordCursor } from '../format/record-cursor.js'
import type { WalRecord } from '../format/record.js'
import type { FollowSignal } from './follow-signal.js'
import type { FoundFrame, FrameCursor } from './frame-cursor.js'

/** A record and where it lies in the log. */
export interface LogEntry {
  readonly record: WalRecord
  readonly position: Position
}

/** Where a reader begins. */
export interface IterationStart {
  readonly cursor: Pick<FrameCursor, 'next' | 'close'>
  /** Records with lower numbers are left out. */
  readonly sequence: number
  /** Whether records whose values cannot be restored are left out, instead of being errors. */
  readonly skipsUnreadable?: boolean | undefined
  /** Position of the first record, if reading begins at a position. */
  readonly position: Position | undefined
}

interface IterationOptions {
  readonly unseal: Unseal
  /** Records with these keys are left out. */
  readonly isHidden: ((key: Uint8Array) => boolean) | undefined
  /** What to wait for at the end of the log; undefined to end there. */
  readonly follow: FollowSignal | undefined
  readonly signal: AbortSignal | undefined
}

type Result = IteratorResult<LogEntry, undefined>

/**
 * Closes the cursors of iterators that were dropped before their end, as after `await log.read({ from }).next()`. An open cursor keeps a file open,
 * and its segment and all later ones from being deleted, and nobody else would ever close it.
 */
const dropped = new FinalizationRegistry<IterationStart['cursor']>(cursor => void cursor.close().catch(() => {}))

/** What `read()` returns: the records of a log, one after another. */
export class RecordIterator implements AsyncIterableIterator<LogEntry, undefined> {
  readonly #begin: () => Promise<IterationStart>
  readonly #options: IterationOptions
  /** Begun by the first call of `next` and not later, so that the log may be closed right after that call. */
  #beginning: Promise<IterationStart> | undefined
  #start: IterationStart | undefined
  #frame: FoundFrame | undefined
  #records: RecordCursor | undefined
  #index = 0
  #ended = false
  /** Calls of `next` that have to wait are answered one after another, even if the caller does not await each. */
  readonly #lane = new Lane()
  /** How many calls of `next` wait. */
  #underWay = 0

  constructor(begin: () => Promise<IterationStart>, options: IterationOptions) {
    this.#begin = begin
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result> {
    if (this.#underWay > 0) return this.#queue(undefined)
    try {
      const ready = this.#nextOfFrame()
      return ready === undefined || isPromise(ready) ? this.#queue(ready) : Promise.resolve(ready)
    } catch (error) {
      if (this.#skips(error)) return this.#queue(undefined)
      return this.return().then(() => {
        throw error
      })
    }
  }

  /** @param taken the record for this call, if its value is being restored already */
  #queue(taken: Promise<Result> | undefined): Promise<Result> {
    this.#underWay++
    if (this.#beginning === undefined) {
      this.#beginning = this.#begin()
      this.#beginning.catch(() => {}) // After an abort it is not awaited.
    }
    return this.#lane.run(() => this.#next(taken)).finally(() => this.#underWay--)
  }

  /** Called by `for await` when its loop is left. */
  async return(): Promise<Result> {
    this.#ended = true
    this.#options.follow?.notify() // A call of next() may be waiting.
    dropped.unregister(this)
    await this.#start?.cursor.close()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** The next record of the frame that is in memory; a promise where its value is restored off the main thread. */
  #nextOfFrame(): Result | Promise<Result> | undefined {
    const records = this.#records
    if (records === undefined || this.#ended || this.#options.signal?.aborted) return undefined
    const { isHidden } = this.#options
    let index: number
    for (;;) {
      if (!records.next()) return undefined
      index = this.#index++
      if (isHidden === undefined || !isHidden(records.key)) break
    }
    const { segment, frame, snapshotSequence } = this.#frame!
    const sequence = snapshotSequence ?? frame.header.firstSequence + index
    const record = recordOf(records, records.key, records.value, sequence, this.#options.unseal)
    const position = { segment, offset: frame.offset, index }
    if (!isPromise(record)) return { done: false, value: { record, position } }
    const result = record.then((value): Result => ({ done: false, value: { record: value, position } }))
    result.catch(() => {}) // After an abort it is not awaited.
    return result
  }

  async #next(taken: Promise<Result> | undefined): Promise<Result> {
    const { signal, follow } = this.#options
    try {
      for (;;) {
        signal?.throwIfAborted()
        if (this.#ended) return { done: true, value: undefined }
        try {
          const ready = taken ?? this.#nextOfFrame()
          if (ready !== undefined) return await ready
        } catch (error) {
          if (!this.#skips(error)) throw error
          taken = undefined
          continue
        }
        this.#start ??= this.#closingIfDropped(await this.#beginning!)
        const seen = follow?.news ?? 0
        const found = await this.#nextFrame(this.#start)
        if (this.#ended) return await this.return() // Once more, to close what was opened meanwhile.
        if (found) continue
        if (follow === undefined || follow.closed) return await this.return()
        await follow.wait(seen, signal)
      }
    } catch (error) {
      await this.return()
      throw error
    }
  }

  #closingIfDropped(start: IterationStart): IterationStart {
    dropped.register(this, start.cursor, this)
    return start
  }

  #skips(error: unknown): boolean {
    return this.#start?.skipsUnreadable === true && error instanceof CompressedKvError
  }

  async #nextFrame({ cursor, sequence, position }: IterationStart): Promise<boolean> {
    const found = await cursor.next()
    if (found === undefined) return false
    const first = this.#frame === undefined
    this.#frame = found
    this.#records = undefined
    const { type, firstSequence, count } = found.frame.header
    const ofSnapshot = found.snapshotSequence !== undefined
    if (type !== FRAME_TYPE.data && !ofSnapshot) return true
    const before = ofSnapshot ? 0 : Math.max(0, sequence - firstSequence)
    const skip = first && position !== undefined ? position.index : before
    if (first && position !== undefined && skip >= count) throw noSuchIndex(skip, count)
    this.#records = new RecordCursor(found.payload)
    this.#index = 0
    while (this.#index < skip && this.#records.next()) this.#index++
    return true
  }
}
