import type { Meter } from '@opentelemetry/api'
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
  /** Which of meter and listener has thrown already: one warning for each is enough. */
  readonly #warned = new Set<string>()
  #records = 0
  #rawBytes = 0
  #bytes = 0
  #frames = 0
  #fsyncs = 0
  #fsyncMs: Times = { total: 0, max: 0 }
  #segments = 0
  #rolled = 0
  #deleted = 0
  #gcMs: Times = { total: 0, max: 0 }
  #truncated = 0

  /** @param meter by default the global one; false for none */
  constructor(meter?: Meter | false, listener?: (event: WalEvent) => void) {
    this.#listener = listener
    if (meter !== false) this.#guarded('The meter of the log', () => (this.#instruments = walInstruments(meter)))
  }

  get appendedBytes(): number {
    return this.#bytes
  }

  appended(records: number, rawBytes: number, bytes: number): void {
    this.#records += records
    this.#rawBytes += rawBytes
    this.#bytes += bytes
    this.#frames++
    this.#meter(({ records: counter }) => counter.add(records))
    this.#meter(({ bytes: counter }) => counter.add(bytes))
  }

  fsynced(ms: number): void {
    this.#fsyncs++
    this.#fsyncMs = withOneMore(this.#fsyncMs, ms)
    this.#meter(({ fsyncMs }) => fsyncMs.record(ms))
    this.#emit({ type: 'fsync', ms })
  }

  /** @param change how many segments more there are */
  segmentsChanged(change: number): void {
    this.#segments += change
    this.#meter(({ segmentCount }) => segmentCount.add(change))
  }

  rolled(segment: number, bytes: number): void {
    this.#rolled++
    this.#emit({ type: 'segmentRoll', segment, bytes })
  }

  deleted(segments: number, ms: number): void {
    this.#deleted += segments
    this.#gcMs = withOneMore(this.#gcMs, ms)
    this.segmentsChanged(-segments)
    this.#meter(({ segmentsDeleted }) => segmentsDeleted.add(segments))
    this.#meter(({ gcMs }) => gcMs.record(ms))
  }

  truncated(segment: number, bytes: number, keptIn: string): void {
    this.#truncated += bytes
    this.#emit({ type: 'truncated', segment, bytes, keptIn })
  }

  poisoned(error: Error): void {
    this.#emit({ type: 'poisoned', error })
  }

  /** The log is closed: its segments no longer count. */
  closed(): void {
    this.#meter(({ segmentCount }) => segmentCount.add(-this.#segments))
  }

  stats(): WalStats {
    return {
      records: this.#records,
      rawBytes: this.#rawBytes,
      bytes: this.#bytes,
      frames: this.#frames,
      fsyncs: this.#fsyncs,
      fsyncMs: { ...this.#fsyncMs },
      segments: this.#segments,
      segmentsRolled: this.#rolled,
      segmentsDeleted: this.#deleted,
      gcMs: { ...this.#gcMs },
      bytesTruncated: this.#truncated
    }
  }

  #meter(report: (instruments: WalInstruments) => void): void {
    if (this.#instruments !== undefined) this.#guarded('The meter of the log', () => report(this.#instruments!))
  }

  #emit(event: WalEvent): void {
    if (this.#listener !== undefined) this.#guarded('A listener for events of the log', () => this.#listener!(event))
  }

  /** Neither a meter nor a listener may keep a record from being logged. */
  #guarded(who: string, call: () => unknown): void {
    try {
      call()
    } catch (error) {
      if (this.#warned.has(who)) return
      this.#warned.add(who)
      process.emitWarning(`${who} threw: ${String(error)}`, 'CompressedKvWarning')
    }
  }
}

function withOneMore({ total, max }: Times, ms: number): Times {
  return { total: total + ms, max: Math.max(max, ms) }
}
