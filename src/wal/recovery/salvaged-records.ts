import type { CursorStart } from '../reading/frame-cursor.js'
import type { SalvagedSnapshots } from '../reading/salvage-cursor.js'

/** Counts the records that a damaged log still has, frame after frame, and finds what to read of its snapshots. */
export class SalvagedRecords {
  /** Numbers without a gap, first and last of each run. */
  readonly #runs: { readonly first: number; last: number }[] = []
  #begun: { readonly start: CursorStart; readonly above: number; readonly before: number } | undefined
  #snapshots: SalvagedSnapshots | undefined
  /** Records that are read from snapshots. */
  #snapshotRecords = 0
  /** Records outside snapshots whose values cannot be restored. */
  #unreadable = 0

  /** @param readable whether its value can be restored */
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

  /** A frame of a snapshot, of which this many records can be read. */
  addOfSnapshot(at: CursorStart, records: number): void {
    this.#snapshotRecords += records
    this.#snapshots ??= { start: this.#begun?.start ?? at, above: 0 }
  }

  /** A snapshot of this many records has ended: if all of them are there, it makes up for everything before it. */
  end(records: number): void {
    const begun = this.#begun
    this.#begun = undefined
    if (begun === undefined || this.#snapshotRecords - begun.before !== records) return
    this.#snapshots = { start: begun.start, above: begun.above }
    this.#snapshotRecords = records
  }

  /** undefined if no snapshot has a record left. */
  get snapshots(): SalvagedSnapshots | undefined {
    return this.#snapshots
  }

  /** How many are read. Without snapshots those whose values cannot be restored are among them: reading one is an error. */
  get count(): number {
    const above = this.#snapshots?.above ?? 0
    const counts = this.#runs.map(({ first, last }) => Math.max(0, last - Math.max(first - 1, above)))
    const others = this.#snapshots === undefined ? this.#unreadable : this.#snapshotRecords
    return counts.reduce((sum, count) => sum + count, others)
  }
}
