import { Lane } from '../../lane.js'
import type { Log } from '../../wal/log.js'
import type { AnyLevel } from '../backend/any-level.js'
import type { MarkerState } from '../marker-state.js'

/**
 * What a store's marker says of the log: whether the log may be ahead of the backend, and up to which record the backend has everything.
 * The first is in the backend before the log is ahead, the second goes there in the batch that makes it true.
 *
 * Over a backend that keeps nothing the marker goes into the log first, which alone outlives the process.
 */
export class Checkpoint {
  readonly #log: Log
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #logIsDatabase: boolean
  readonly #lane = new Lane()
  /** Over a backend that keeps nothing: the marker that the log has. */
  #loggedMarker: Buffer | undefined
  #applied: number
  /** Calls of {@link begin} under way. */
  #beginning = 0

  constructor(log: Log, backend: AnyLevel, marker: MarkerState) {
    this.#log = log
    this.#backend = backend
    this.#marker = marker
    this.#logIsDatabase = !backend.supports.permanence
    this.#applied = log.nextSequence - 1
  }

  /** The last record that the backend has, or has refused. */
  get applied(): number {
    return this.#applied
  }

  // ---- before the log is written

  /** Whether {@link begin} has to be awaited before the next append. */
  get mustBegin(): boolean {
    return !this.#logIsDatabase && (this.#beginning > 0 || !this.#marker.log.logDirty || this.#marker.mustPrecede)
  }

  /** Lets the backend say that the log may be ahead of it. */
  async begin(): Promise<void> {
    if (!this.mustBegin) return
    this.#beginning++ // `logDirty` is true at once, but the backend says so only when the marker is written.
    try {
      await this.exclusively(() => this.#begin())
    } finally {
      this.#beginning--
    }
  }

  async #begin(): Promise<void> {
    const marker = this.#marker
    // The marker is there before the log, and says that the log may be ahead only when the log is there: else a crash between would
    // look as if the log had been taken away.
    if (!marker.isStored) await this.#save()
    const createdAt = await this.#log.ensureSegment()
    const { logDirty, logDirtySince } = marker.log
    marker.update({ logExists: true, logDirty: true, ...(!logDirty && { logDirtySince: createdAt }) })
    try {
      await this.#save()
    } catch (error) {
      marker.update({ logDirty, logDirtySince })
      throw error
    }
  }

  /** The marker, if the log has to have it in front of the next record: only over a backend that keeps nothing. */
  get markerToLog(): Buffer | undefined {
    if (!this.#logIsDatabase) return undefined
    const { unsaved } = this.#marker
    return unsaved === this.#loggedMarker ? undefined : unsaved
  }

  /** @param marker as {@link markerToLog} gave it */
  logged(marker: Buffer): void {
    this.#loggedMarker = marker
  }

  // ---- with what the backend gets

  /** Call right before the backend batch that completes what the backend has up to a record: from now on the marker says so. */
  applying(sequence: number): void {
    this.#applied = sequence
    if (!this.#logIsDatabase) this.#marker.update({ applied: sequence })
  }

  /** What the next backend batch has to write under the marker's key, if anything. */
  get unsavedMarker(): Buffer | undefined {
    const { unsaved, isStored } = this.#marker
    if (!this.#logIsDatabase || unsaved === this.#loggedMarker) return unsaved
    // Over a backend that keeps nothing it has to be in the log first. Until then a backend without any gets the one before: no value may be
    // there without a marker.
    return isStored ? undefined : this.#loggedMarker
  }

  /**
   * Writes the batch with which the backend has everything up to a record.
   *
   * @param write is given what to write under the marker's key, if anything
   */
  async write(sequence: number, write: (marker: Buffer | undefined) => Promise<void>): Promise<void> {
    await this.exclusively(async () => {
      const before = this.#applied
      this.applying(sequence)
      const marker = this.unsavedMarker
      try {
        await write(marker)
      } catch (error) {
        this.applying(before) // Else the next marker, written for another reason, would say so.
        throw error
      }
      if (marker !== undefined) this.#marker.saved(marker)
    })
  }

  /** Saves what {@link applying} has noted, if no batch has. Over a backend that keeps nothing the next batch does. */
  async saveApplied(): Promise<void> {
    if (!this.#logIsDatabase) await this.exclusively(() => this.#save())
  }

  /** Lets the backend say that it has everything, and the log is not ahead of it, unless it says so already. */
  async end(): Promise<void> {
    if (!this.#marker.log.logDirty) return
    this.#marker.update({ applied: this.#log.nextSequence - 1, logDirty: false, logDirtySince: undefined })
    await this.#save()
  }

  /** Runs `work` while no marker is on its way to the backend: two might arrive in any order. */
  exclusively(work: () => Promise<void>): Promise<void> {
    return this.#lane.run(work)
  }

  #save(): Promise<void> {
    return this.#marker.save(this.#backend)
  }
}
