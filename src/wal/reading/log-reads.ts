import { invalidOption } from '../../errors.js'
import { assertKnownOptions } from '../../known-options.js'
import type { Unseal } from '../format/decoded-frame.js'
import type { Position } from '../format/position.js'
import type { WalRecord } from '../format/record.js'
import type { LogDirectory } from '../segments/segment-files.js'
import type { Segments } from '../segments/segments.js'
import { FollowSignal } from './follow-signal.js'
import { type CursorStart, FrameCursor } from './frame-cursor.js'
import { PointReader } from './point-reader.js'
import { asPosition, type LogEnd, READ_OPTIONS, type ReadOptions, resolveStart } from './read-start.js'
import { type IterationStart, RecordIterator } from './record-iterator.js'
import { SalvageCursor, type SalvagedSnapshots } from './salvage-cursor.js'

/** How records are prepared for readers. */
export interface ReadContext {
  /** Opens the envelopes that records hold. */
  readonly unseal: Unseal
  /** Records with these keys are not shown to readers. */
  readonly isHidden?: ((key: Uint8Array) => boolean) | undefined
}

interface ReadSettings extends LogDirectory {
  readonly readOnly: boolean
}

/** The ways to read a log: a single record, records in order, and whole frames. */
export class LogReads {
  readonly #settings: ReadSettings
  readonly #context: ReadContext
  readonly #segments: Segments
  readonly #end: () => LogEnd
  readonly #salvaged: SalvagedSnapshots | undefined
  readonly #points: PointReader
  readonly #follow = new FollowSignal()

  /**
   * @param end where the log ends now; throws if the log is closed
   * @param salvaged what of the snapshots in a damaged log is to be read, before its records
   */
  constructor(
    settings: ReadSettings,
    context: ReadContext,
    segments: Segments,
    end: () => LogEnd,
    salvaged: SalvagedSnapshots | undefined
  ) {
    this.#settings = settings
    this.#context = context
    this.#segments = segments
    this.#end = end
    this.#salvaged = salvaged
    this.#points = new PointReader(segments, context.unseal, context.isHidden)
  }

  /** @throws CKV_OUT_OF_RANGE, LEVEL_CORRUPTION, CKV_INVALID_OPTION */
  get(at: Position | number): WalRecord | Promise<WalRecord> {
    return typeof at === 'number' ? this.#points.bySequence(at) : this.#points.byPosition(asPosition(at))
  }

  /** @throws CKV_INVALID_OPTION */
  read(options: ReadOptions): RecordIterator {
    assertKnownOptions('read()', options, READ_OPTIONS)
    const { from, follow = false, signal } = options
    if (follow && this.#settings.readOnly) {
      throw invalidOption('A log that was opened with readOnly does not grow: it cannot be followed')
    }
    return new RecordIterator(() => this.#startAt(from), {
      unseal: this.#context.unseal,
      isHidden: this.#context.isHidden,
      follow: follow ? this.#follow : undefined,
      signal
    })
  }

  /** Frames of all types, from a place on. */
  frames(start: CursorStart): FrameCursor {
    return new FrameCursor(this.#settings.fs, this.#settings.directory, this.#segments, start)
  }

  /** Wakes readers that wait for more at the end of the log. */
  grown(): void {
    this.#follow.notify()
  }

  /** Readers that follow end after the last record. */
  close(): void {
    this.#follow.close()
  }

  async #startAt(from: Position | number | undefined): Promise<IterationStart> {
    const end = this.#end()
    if (from === undefined && this.#salvaged !== undefined) {
      const cursor = new SalvageCursor(this.frames(this.#salvaged.start), this.frames({ segment: 0, offset: 0 }))
      return { cursor, sequence: this.#salvaged.above + 1, position: undefined, skipsUnreadable: true }
    }
    const { start, sequence, position } = await resolveStart(from, this.#segments, this.#points, end)
    return { cursor: this.frames(start), sequence, position }
  }
}
