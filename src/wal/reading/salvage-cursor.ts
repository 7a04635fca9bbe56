import { FRAME_TYPE, readU64 } from '../format/format.js'
import type { CursorStart, FoundFrame, FrameCursor } from './frame-cursor.js'

/** What to read of the snapshots in a damaged log. */
export interface SalvagedSnapshots {
  /** Where to begin reading the records of snapshots. */
  readonly start: CursorStart
  /** Everything up to this record is in a complete snapshot. */
  readonly above: number
}

/** Frames of a damaged log. Those of snapshots come first, so that a program that applies the records in order ends with the newest values. */
export class SalvageCursor {
  readonly #snapshots: FrameCursor
  readonly #records: FrameCursor
  #inSnapshots = true
  /** Up to which record the present snapshot contains everything; undefined if its first frame is damaged. */
  #sequence: number | undefined

  constructor(snapshots: FrameCursor, records: FrameCursor) {
    this.#snapshots = snapshots
    this.#records = records
  }

  async next(): Promise<FoundFrame | undefined> {
    while (this.#inSnapshots) {
      const found = await this.#snapshots.next()
      if (found === undefined) break
      const { type, firstSequence } = found.frame.header
      if (type === FRAME_TYPE.snapshotBegin) this.#sequence = readU64(found.payload, 0)
      else if (type === FRAME_TYPE.snapshotEnd) this.#sequence = undefined
      else if (type === FRAME_TYPE.snapshotData) {
        return { ...found, snapshotSequence: this.#sequence ?? firstSequence - 1 }
      }
    }
    this.#inSnapshots = false
    return this.#records.next()
  }

  async close(): Promise<void> {
    try {
      await this.#snapshots.close()
    } finally {
      await this.#records.close()
    }
  }
}
