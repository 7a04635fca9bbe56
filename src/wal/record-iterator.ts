import { CompressedKvError, outOfRange } from '../errors.js'
import { recordOf, type Unseal } from './decoded-frame.js'
import type { FollowSignal } from './follow-signal.js'
import { FRAME_TYPE } from './format.js'
import type { FoundFrame, FrameCursor } from './frame-cursor.js'
import type { Position } from './position.js'
import type { WalRecord } from './record.js'
import { RecordCursor } from './record-cursor.js'

/** A record and where it lies. */
export interface LogEntry {
  readonly record: WalRecord
  readonly position: Position
}

/** Where a reader begins, and how it goes on. */
export interface IterationStart {
  readonly cursor: FrameCursor
  /** Records before are left out. */
  readonly sequence: number
  readonly position: Position | undefined
}

export interface IterationOptions {
  readonly unseal: Unseal
  /** Records with these keys are left out. */
  readonly isHidden: ((key: Uint8Array) => boolean) | undefined
  /** Waits for more at the end of the log; undefined to end there. */
  readonly follow: FollowSignal | undefined
  readonly signal: AbortSignal | undefined
}

/** What `read()` returns: the records of a log, one after another. */
export class RecordIterator implements AsyncIterableIterator<LogEntry, undefined> {
  readonly #begin: () => Promise<IterationStart>
  readonly #options: IterationOptions
  #start: IterationStart | undefined
  #frame: FoundFrame | undefined
  #records: RecordCursor | undefined
  #index = 0
  #ended = false
  /** One call after another, also if the caller does not wait. */
  #last: Promise<unknown> = Promise.resolve()
  #underWay = 0

  constructor(begin: () => Promise<IterationStart>, options: IterationOptions) {
    this.#begin = begin
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<LogEntry, undefined>> {
    if (this.#underWay === 0) {
      try {
        const ready = this.#nextOfFrame()
        if (ready !== undefined) return Promise.resolve(ready)
      } catch (error) {
        return this.return().then(() => {
          throw error
        })
      }
    }
    this.#underWay++
    const result = this.#last.then(() => this.#next()).finally(() => this.#underWay--)
    this.#last = result.catch(() => {})
    return result
  }

  /** Called by `for await` when its loop is left. */
  async return(): Promise<IteratorResult<LogEntry, undefined>> {
    this.#ended = true
    this.#options.follow?.notify() // A call of next() may be waiting.
    await this.#start?.cursor.close()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** The next record of the frame that is at hand, if that needs no waiting. */
  #nextOfFrame(): IteratorResult<LogEntry, undefined> | undefined {
    const records = this.#records
    if (records === undefined || this.#ended || this.#options.signal?.aborted) return undefined
    const { isHidden } = this.#options
    let index: number
    for (;;) {
      if (!records.next()) return undefined
      index = this.#index++
      if (isHidden === undefined || !isHidden(records.key)) break
    }
    const { segment, frame } = this.#frame!
    const record = recordOf(
      records,
      records.key,
      records.value,
      frame.header.firstSequence + index,
      this.#options.unseal
    )
    const position = { segment, offset: frame.offset, index }
    if (record instanceof Promise) {
      this.#pending = record.then(value => ({ done: false, value: { record: value, position } }))
      this.#pending.catch(() => {}) // Whoever comes to it is told; perhaps nobody does.
      return undefined
    }
    return { done: false, value: { record, position } }
  }

  /** A record whose value is being restored off the main thread. */
  #pending: Promise<IteratorResult<LogEntry, undefined>> | undefined

  #takePending(): Promise<IteratorResult<LogEntry, undefined>> {
    const pending = this.#pending!
    this.#pending = undefined
    return pending
  }

  async #next(): Promise<IteratorResult<LogEntry, undefined>> {
    const { signal, follow } = this.#options
    try {
      for (;;) {
        signal?.throwIfAborted()
        if (this.#ended) return { done: true, value: undefined }
        const ready = this.#pending === undefined ? this.#nextOfFrame() : undefined
        if (ready !== undefined) return ready
        if (this.#pending !== undefined) return await this.#takePending()
        this.#start ??= await this.#begin()
        const seen = follow?.news ?? 0
        const found = await this.#nextFrame(this.#start)
        if (this.#ended) return await this.return() // It was given back meanwhile.
        if (found) continue
        if (follow === undefined || follow.closed) return await this.return()
        await follow.wait(seen, signal)
      }
    } catch (error) {
      await this.return()
      throw error
    }
  }

  async #nextFrame({ cursor, sequence, position }: IterationStart): Promise<boolean> {
    let found: FoundFrame | undefined
    try {
      found = await cursor.next()
    } catch (error) {
      const first = this.#frame === undefined && position !== undefined
      if (!first || !(error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION')) throw error
      throw outOfRange(`Segment ${position.segment} of the log has no frame at ${position.offset}`)
    }
    if (found === undefined) return false
    const first = this.#frame === undefined
    this.#frame = found
    this.#records = undefined
    const { type, firstSequence, count } = found.frame.header
    if (type !== FRAME_TYPE.data) return true
    const skip = first && position !== undefined ? position.index : Math.max(0, sequence - firstSequence)
    if (first && position !== undefined && skip >= count)
      throw outOfRange(`The frame at this position has ${count} records, none with the index ${skip}`)
    this.#records = new RecordCursor(found.payload)
    this.#index = 0
    while (this.#index < skip && this.#records.next()) this.#index++
    return true
  }
}
