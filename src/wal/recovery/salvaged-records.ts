import type { CursorStart } from '../reading/frame-cursor.js'
import type { SalvagedSnapshots } from '../reading/salvage-cursor.js'

/** Counts the records that a damaged log still has, frame after frame, and finds what to read of its snapshots. */
export class SalvagedRecords {
  /** Runs of consecutive numbers of records. */
  readonly #runs: { readonly first: number; last: number }[] = []
  #begun: { readonly start: CursorStart; readonly above: number; readonly before: number } | undefined
  #snapshots: SalvagedSnapshots | undefined
  /** How many records are read from snapshots. */
  #snapshotRecords = 0
  /** How many records outside snapshots have values that cannot be restored. */
  #unreadable = 0

  /** Counts a record outside snapshots. @param readable whether its value can be restored */
  add(sequence: number, readable: boolean): void {
    if (!readable) return void this.#unreadable++
    const run = this.#runs.at(-1)
    if (run?.last === sequence - 1) run.last = sequence
    else this.#runs.push({ first: sequence, last: sequence })
  }

  /** A snapshot of everything up to a record begins. */
  begin(start: CursorStart, sequence: number): void {
    this.#begun = { start, above: sequence, before: this.#snapshotRecords }
  }

  /** Counts the records of a frame of a snapshot. @param records how many of them can be read */
  addOfSnapshot(at: CursorStart, records: number): void {
    this.#snapshotRecords += records
    this.#snapshots ??= { start: this.#begun?.start ?? at, above: 0 }
  }

  /** A snapshot of this many records has ended. If all of them can be read, nothing before the snapshot is needed. */
  end(records: number): void {
    const begun = this.#begun
    this.#begun = undefined
    if (begun === undefined || this.#snapshotRecords - begun.before !== records) return
    this.#snapshots = { start: begun.start, above: begun.above }
    this.#snapshotRecords = records
  }

  /** What to read of snapshots; undefined if none of them has a record that can be read. */
  get snapshots(): SalvagedSnapshots | undefined {
    return this.#snapshots
  }

  /** How many records a reader comes to. Without snapshots, those whose values cannot be restored are among them: reading one is an error. */
  get count(): number {
    const above = this.#snapshots?.above ?? 0
    const counts = this.#runs.map(({ first, last }) => Math.max(0, last - Math.max(first - 1, above)))
    const others = this.#snapshots === undefined ? this.#unreadable : this.#snapshotRecords
    return counts.reduce((sum, count) => sum + count, others)
  }
}
