import type { Position } from './format/position.js'
import type { WalRecord } from './format/record.js'
import type { Log } from './log.js'
import type { WalStats } from './observer.js'
import type { ReadOptions } from './reading/read-start.js'
import type { LogEntry } from './reading/record-iterator.js'

/** The part of a log that reads. */
export interface WalReader {
  /** Where the next record will lie, unless it begins a new segment because it does not fit into this one. */
  readonly position: Position
  /** Number of the oldest record that was not deleted; {@link nextSequence} if there is none. */
  readonly firstSequence: number
  /** Number of the next record. The first record of a log is 1, and each has the number after the one before. */
  readonly nextSequence: number
  /**
   * One record, usually with one read of the file. By number, in a segment that was not read lately, the headers of all its frames have to be
   * read first.
   *
   * @throws CKV_OUT_OF_RANGE if it was deleted, or is not written yet; LEVEL_CORRUPTION if it is damaged; CKV_INVALID_OPTION if `at` is neither
   *   a position nor a number
   */
  get(at: Position | number): Promise<WalRecord>
  /**
   * Records in order. As long as the loop is in a segment, that one and later ones are not deleted: leave the loop, or call `return()`.
   *
   * @throws CKV_OUT_OF_RANGE if `from` was deleted, or is not written yet; LEVEL_CORRUPTION at a record that is damaged; the reason of an aborted
   *   `signal`
   */
  read(options?: ReadOptions): AsyncIterableIterator<LogEntry, undefined>
  stats(): WalStats
}

/** A reader of a log that cannot do anything else with it. */
export function readerOf(log: Log): WalReader {
  return {
    get position() {
      return log.position
    },
    get firstSequence() {
      return log.firstSequence
    },
    get nextSequence() {
      return log.nextSequence
    },
    get: at => log.get(at),
    read: options => log.read(options),
    stats: () => log.stats()
  }
}
