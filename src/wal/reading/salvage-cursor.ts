import { FRAME_TYPE, readU64 } from '../format/format.js'
import type { CursorStart, FoundFrame, FrameCursor } from './frame-cursor.js'

/** What to read of the snapshots in a damaged log. */
export interface SalvagedSnapshots {
  /** Their records from here on. */
  readonly start: CursorStart
  /** Records of the log up to this number are in a snapshot that is whole. */
  readonly above: number
}

/** Frames of a damaged log: those of snapshots first, so that whoever applies one record after another ends with the newest. */
export class SalvageCursor {
  readonly #snapshots: FrameCursor
  readonly #records: FrameCursor
  #inSnapshots = true
  /** Of the snapshot that it is in; undefined if where that begins is damaged. */
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
