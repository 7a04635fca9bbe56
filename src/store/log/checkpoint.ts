import { Lane } from '../../lane.js'
import type { Log } from '../../wal/log.js'
import type { AnyLevel } from '../backend/any-level.js'
import { refusalOf } from '../backend/failed-writes.js'
import type { MarkerState } from '../marker-state.js'

/**
 * What a store's marker says of the log: whether the log may be ahead of the backend, and up to which record the backend has everything.
 * The first is written to the backend before the log gets ahead of it, the second in the very batch that makes it true.
 *
 * Over a backend that keeps nothing, only the log outlives the process: there the marker goes into the log first.
 */
export class Checkpoint {
  readonly #log: Log
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #logIsDatabase: boolean
  readonly #lane = new Lane()
  /** Over a backend that keeps nothing: the newest marker that is in the log. */
  #loggedMarker: Buffer | undefined
  #applied: number
  /** The {@link begin} under way. */
  #beginning: Promise<void> | undefined

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

  /**
   * Whether {@link begin} has to be awaited before the next append: the backend's marker does not say yet that the log may be ahead, or that a TTL
   * was used, which the log alone would not tell.
   */
  get mustBegin(): boolean {
    if (this.#logIsDatabase) return false
    const { stored, ttlUsed } = this.#marker
    return stored === undefined || !stored.logDirty || (ttlUsed && !stored.ttlUsed)
  }

  /**
   * Writes to the backend's marker that the log may be ahead, unless it says so already. Calls made meanwhile share one write.
   *
   * @throws if the backend takes no more writes: before anything is logged, so that the outcome is known
   */
  async begin(): Promise<void> {
    const refused = refusalOf(this.#backend)
    if (refused !== undefined) throw refused
    if (this.mustBegin) await (this.#beginning ??= this.#begin())
  }

  /** A loop, because the first write with a `ttl` may come while the marker is being written: then it has to be written once more. */
  async #begin(): Promise<void> {
    try {
      while (this.mustBegin) await this.exclusively(() => this.#noteAhead())
    } finally {
      this.#beginning = undefined // Nothing is awaited since the last check: a later call of begin() checks again.
    }
  }

  async #noteAhead(): Promise<void> {
    const marker = this.#marker
    // In this order: a marker, a log, and then the marker that says that the log may be ahead. Otherwise, after a crash in between, it would
    // look as if the log had been taken away.
    if (marker.stored === undefined) await this.#save()
    const createdAt = await this.#log.ensureSegment()
    const { logDirty, logDirtySince } = marker.current
    marker.update({ logExists: true, logDirty: true, ...(!logDirty && { logDirtySince: createdAt }) })
    try {
      await this.#save()
    } catch (error) {
      marker.update({ logDirty, logDirtySince })
      throw error
    }
  }

  /** The marker, if it has to be logged in front of the next record; only over a backend that keeps nothing. */
  get markerToLog(): Buffer | undefined {
    if (!this.#logIsDatabase) return undefined
    const { unsaved } = this.#marker
    return unsaved === this.#loggedMarker ? undefined : unsaved
  }

  /** @param marker as {@link markerToLog} gave it */
  logged(marker: Buffer): void {
    this.#loggedMarker = marker
  }

  // ---- when the backend is written to

  /** Call right before the batch with which the backend has everything up to a record: from now on the marker says so. */
  applying(sequence: number): void {
    this.#applied = sequence
    if (!this.#logIsDatabase) this.#marker.update({ applied: sequence })
  }

  /** What the next backend batch has to write under the marker's key, if anything. */
  get unsavedMarker(): Buffer | undefined {
    const { unsaved, stored } = this.#marker
    if (!this.#logIsDatabase || unsaved === this.#loggedMarker) return unsaved
    // Over a backend that keeps nothing, the newest marker has to be in the log first. Until then a backend that has no marker yet gets the
    // newest one that is logged: it must not have values and no marker.
    return stored === undefined ? this.#loggedMarker : undefined
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
        this.applying(before) // Otherwise the next marker, written for another reason, would say that the backend has the batch.
        throw error
      }
      if (marker !== undefined) this.#marker.saved(marker)
    })
  }

  /** Saves what {@link applying} has noted, if no batch did. Over a backend that keeps nothing that is left to the next batch. */
  async saveApplied(): Promise<void> {
    if (!this.#logIsDatabase) await this.exclusively(() => this.#save())
  }

  /** Writes to the backend's marker that the backend has everything and the log is not ahead, unless it says so already. */
  async end(): Promise<void> {
    if (!this.#marker.current.logDirty) return
    this.#marker.update({ applied: this.#log.nextSequence - 1, logDirty: false, logDirtySince: undefined })
    await this.#save()
  }

  /** Runs `work` while no other marker is on its way to the backend: two might arrive in either order. */
  exclusively(work: () => Promise<void>): Promise<void> {
    return this.#lane.run(work)
  }

  #save(): Promise<void> {
    return this.#marker.save(this.#backend)
  }
}
