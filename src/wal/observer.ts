import type { Meter } from '@opentelemetry/api'
import { guardedCalls } from '../guarded-calls.js'
import { type WalInstruments, walInstruments } from '../metrics/wal-instruments.js'

/** What happens to a log, as it happens. */
export type WalEvent =
  /** A segment was sealed at this many bytes; the next write begins a new one. */
  | { readonly type: 'segmentRoll'; readonly segment: number; readonly bytes: number }
  /** Bytes were put on stable storage. */
  | { readonly type: 'fsync'; readonly ms: number }
  /** Opening found a torn end and cut it off; the bytes are kept in `keptIn`. */
  | { readonly type: 'truncated'; readonly segment: number; readonly bytes: number; readonly keptIn: string }
  /** Nothing can be written until the log is opened again, and what was not on stable storage may be lost. */
  | { readonly type: 'poisoned'; readonly error: Error }

interface Times {
  readonly total: number
  readonly max: number
}

/** What a log has done since it was opened. Numbers only go up, except `segments`. */
export interface WalStats {
  /** Records appended. */
  readonly records: number
  /** Bytes of these records before compression. */
  readonly rawBytes: number
  /** Bytes of their frames as they were written, headers included. */
  readonly bytes: number
  /** Number of these frames: `records / frames` records share one on average. */
  readonly frames: number
  readonly fsyncs: number
  readonly fsyncMs: Times
  /** Segment files that there are now. */
  readonly segments: number
  readonly segmentsRolled: number
  readonly segmentsDeleted: number
  /** How long deleting segments took. */
  readonly gcMs: Times
  readonly bytesTruncated: number
}

/** Counts what happens to a log, and passes it on to the meter and the listener, if there are any. */
export class WalObserver {
  #instruments: WalInstruments | undefined
  readonly #listener: ((event: WalEvent) => void) | undefined
  /** Neither a meter nor a listener may keep a record from being logged. */
  readonly #guarded = guardedCalls()
  readonly #stats = {
    records: 0,
    rawBytes: 0,
    bytes: 0,
    frames: 0,
    fsyncs: 0,
    fsyncMs: { total: 0, max: 0 },
    segments: 0,
    segmentsRolled: 0,
    segmentsDeleted: 0,
    gcMs: { total: 0, max: 0 },
    bytesTruncated: 0
  } satisfies WalStats

  /** @param meter by default the global one; false for none */
  constructor(meter?: Meter | false, listener?: (event: WalEvent) => void) {
    this.#listener = listener
    if (meter !== false) this.#guarded('The meter of the log', () => (this.#instruments = walInstruments(meter)))
  }

  get appendedBytes(): number {
    return this.#stats.bytes
  }

  appended(records: number, rawBytes: number, bytes: number): void {
    const stats = this.#stats
    stats.records += records
    stats.rawBytes += rawBytes
    stats.bytes += bytes
    stats.frames++
    this.#meter(({ records: counter }) => counter.add(records))
    this.#meter(({ bytes: counter }) => counter.add(bytes))
  }

  fsynced(ms: number): void {
    this.#stats.fsyncs++
    addTo(this.#stats.fsyncMs, ms)
    this.#meter(({ fsyncMs }) => fsyncMs.record(ms))
    this.#emit({ type: 'fsync', ms })
  }

  /** @param change how many segments more there are */
  segmentsChanged(change: number): void {
    this.#stats.segments += change
    this.#meter(({ segmentCount }) => segmentCount.add(change))
  }

  rolled(segment: number, bytes: number): void {
    this.#stats.segmentsRolled++
    this.#emit({ type: 'segmentRoll', segment, bytes })
  }

  deleted(segments: number, ms: number): void {
    this.#stats.segmentsDeleted += segments
    addTo(this.#stats.gcMs, ms)
    this.segmentsChanged(-segments)
    this.#meter(({ segmentsDeleted }) => segmentsDeleted.add(segments))
    this.#meter(({ gcMs }) => gcMs.record(ms))
  }

  truncated(segment: number, bytes: number, keptIn: string): void {
    this.#stats.bytesTruncated += bytes
    this.#emit({ type: 'truncated', segment, bytes, keptIn })
  }

  poisoned(error: Error): void {
    this.#emit({ type: 'poisoned', error })
  }

  /** The log is closed: its segments no longer count. */
  closed(): void {
    this.#meter(({ segmentCount }) => segmentCount.add(-this.#stats.segments))
  }

  stats(): WalStats {
    const stats = this.#stats
    return { ...stats, fsyncMs: { ...stats.fsyncMs }, gcMs: { ...stats.gcMs } }
  }

  #meter(report: (instruments: WalInstruments) => void): void {
    if (this.#instruments !== undefined) this.#guarded('The meter of the log', () => report(this.#instruments!))
  }

  #emit(event: WalEvent): void {
    if (this.#listener !== undefined) this.#guarded('A listener for events of the log', () => this.#listener!(event))
  }
}

function addTo(times: { total: number; max: number }, ms: number): void {
  times.total += ms
  times.max = Math.max(times.max, ms)
}
