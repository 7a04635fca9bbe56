import { invalidOption } from '../errors.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import type { Position } from './format/position.js'
import { unsealRecord } from './format/record-codec.js'
import { assertRecord, type LogRecord, type WalRecord } from './format/record.js'
import { Log } from './log.js'
import type { WalStats } from './observer.js'
import { resolveWalOptions, type WalOptions } from './options.js'
import { asPosition, type ReadOptions } from './reading/read-start.js'
import type { LogEntry } from './reading/record-iterator.js'
import type { RecoveryReport } from './recovery/recovered-log.js'
import type { WalReader } from './wal-reader.js'
import { type OpenFrame, waiter, type Waiter } from './writing/open-frame.js'

export interface AppendOptions {
  /** Resolve only when it is on stable storage, whatever the log's policy. Default false. */
  readonly sync?: boolean | undefined
}

const APPEND_OPTIONS = { sync: 'boolean' } as const satisfies OptionTable<AppendOptions>

/**
 * A write-ahead log in a directory of its own: compressed, checked, durable.
 *
 * ```ts
 * const { wal, recovery } = await Wal.open({ dir: './events' })
 * await wal.append(Record.put('user:1', JSON.stringify(event)), { sync: true })
 * for await (const { record } of wal.read({ follow: true })) handle(record)
 * ```
 */
export class Wal implements WalReader {
  readonly #log: Log

  private constructor(log: Log) {
    if (!(log instanceof Log)) throw invalidOption('A log is opened with `await Wal.open({ dir })`, not with new')
    this.#log = log
  }

  /**
   * Opens the log in `dir`, or a new one, and checks all of it. Opening writes nothing but a lock file, unless the log was not closed:
   * then its last segment is replaced by a copy without the torn end.
   *
   * @throws CKV_INVALID_OPTION; LEVEL_LOCKED if it is open elsewhere; LEVEL_CORRUPTION for damage that is not a torn end;
   *   LEVEL_NOT_SUPPORTED for a later format; LEVEL_IO_ERROR where the directory cannot be made or written; errors of the file system
   */
  static async open(options: WalOptions): Promise<{ wal: Wal; recovery: RecoveryReport }> {
    const { log, recovery } = await Log.open(resolveWalOptions(options), { unseal: unsealRecord })
    return { wal: new Wal(log), recovery }
  }

  get position(): Position {
    return this.#log.position
  }

  get firstSequence(): number {
    return this.#log.firstSequence
  }

  get nextSequence(): number {
    return this.#log.nextSequence
  }

  /**
   * Appends a record. Its bytes are copied before this returns.
   *
   * @returns where the record lies. Resolves when it is as durable as the policy, or `sync`, asks for
   * @throws CKV_INVALID_OPTION for what is no record; LEVEL_READONLY; LEVEL_DATABASE_NOT_OPEN; CKV_VALUE_TOO_LARGE above about 2 GB;
   *   CKV_BUSY when more than 256 MiB wait to be written; an error of the file system, if more can be written after it; LEVEL_IO_ERROR once
   *   nothing can be
   */
  append(record: LogRecord, options?: AppendOptions): Promise<Position> {
    return new Promise((resolve, reject) => {
      if (options !== undefined) assertKnownOptions('append()', options, APPEND_OPTIONS)
      assertRecord(record)
      const settle: Waiter['settle'] = (frame, waiting) => resolve(positionOf(frame, waiting))
      this.#log.append(record, options?.sync === true, waiter(settle, reject))
    })
  }

  /**
   * Appends records as one batch: after a crash all of them are there, or none.
   *
   * @returns where they lie; see {@link append}
   */
  appendBatch(records: readonly LogRecord[], options?: AppendOptions): Promise<Position[]> {
    return new Promise((resolve, reject) => {
      if (options !== undefined) assertKnownOptions('appendBatch()', options, APPEND_OPTIONS)
      if (!Array.isArray(records)) throw invalidOption('appendBatch() takes a list of records')
      for (const record of records) assertRecord(record)
      this.#log.assertWritable()
      if (records.length === 0) return resolve([])
      const settle: Waiter['settle'] = (frame, waiting) =>
        resolve(
          Array.from({ length: waiting.count }, (_, i) => ({ ...positionOf(frame, waiting), index: waiting.index + i }))
        )
      this.#log.appendBatch(records, options?.sync === true, waiter(settle, reject))
    })
  }

  /**
   * Resolves when everything appended so far is on stable storage.
   *
   * @throws LEVEL_READONLY; LEVEL_DATABASE_NOT_OPEN; LEVEL_IO_ERROR
   */
  sync(): Promise<void> {
    return this.#log.sync()
  }

  get(at: Position | number): Promise<WalRecord> {
    return this.#log.get(at)
  }

  read(options?: ReadOptions): AsyncIterableIterator<LogEntry, undefined> {
    return this.#log.read(options)
  }

  /**
   * Deletes whole segments before the one that a position lies in, oldest first, and stops at one that is being read. The last segment always
   * stays.
   *
   * @returns how many were deleted
   * @throws CKV_INVALID_OPTION for what is no position; LEVEL_READONLY; LEVEL_DATABASE_NOT_OPEN; errors of the file system
   */
  async deleteSegmentsBefore(position: Position): Promise<number> {
    const place = asPosition(position, 'deleteSegmentsBefore() takes a position, as append() and read() give it')
    return this.#log.deleteSegmentsBefore(place)
  }

  stats(): WalStats {
    return this.#log.stats()
  }

  /**
   * Waits for appends that are under way, seals the last segment and unlocks the directory. Loops with `follow` end after the last record.
   *
   * @throws what kept the segment from being sealed; the log is closed all the same, and the next open recovers it
   */
  close(): Promise<void> {
    return this.#log.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function positionOf({ segment, offset }: OpenFrame, { index }: Waiter): Position {
  return { segment, offset, index }
}
