import { isPromise } from '../../is-promise.js'
import { FRAME_TYPE, RECORD_KIND } from '../../wal/format/format.js'
import { RecordCursor } from '../../wal/format/record-cursor.js'
import type { Log } from '../../wal/log.js'
import type { CursorStart, FoundFrame } from '../../wal/reading/frame-cursor.js'
import type { BackendOperation } from '../backend/backend-write.js'
import type { HalfOpenRange } from '../backend/key-range.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { LoggedValues } from './logged-values.js'

/** A batch is written when it has this many operations or bytes. */
const MAX_BATCH_OPERATIONS = 1000
const MAX_BATCH_BYTES = 1024 * 1024

/**
 * Replays the records of a log, in order.
 *
 * @param above records up to this number are left out
 */
export async function replayRecords(
  log: Log,
  above: number,
  values: LoggedValues,
  batch: ReplayBatch,
  clear: (range: HalfOpenRange) => Promise<void>
): Promise<void> {
  for await (const { frame, payload } of framesFrom(log, { segment: log.segmentAbove(above), offset: 0 })) {
    const { type, firstSequence } = frame.header
    if (type !== FRAME_TYPE.data) continue
    const records = new RecordCursor(payload)
    for (let sequence = firstSequence; records.next(); sequence++) {
      if (sequence <= above) continue
      if (records.kind === RECORD_KIND.clear) {
        await batch.flush()
        const end = records.value
        await clear({ start: records.key, end: end.length === 0 ? undefined : end })
        batch.reached(sequence)
      } else await batch.add(await operationAt(records, values), sequence)
    }
  }
  await batch.flush()
}

/** The frames of a log of all types, from a place on. */
export async function* framesFrom(log: Log, start: CursorStart): AsyncGenerator<FoundFrame, void, undefined> {
  const frames = log.frames(start)
  try {
    for (let found = await frames.next(); found !== undefined; found = await frames.next()) yield found
  } finally {
    await frames.close()
  }
}

/** What a record does to the backend; a promise where its value is sealed off the main thread. */
export function operationAt(records: RecordCursor, values: LoggedValues): BackendOperation | Promise<BackendOperation> {
  const { key } = records
  if (records.kind !== RECORD_KIND.put) return { type: 'del', key }
  if (isReserved(key)) values.learn(key, records.value)
  const stored = values.stored(records)
  return isPromise(stored) ? stored.then(value => ({ type: 'put', key, value })) : { type: 'put', key, value: stored }
}

/** Gathers operations into batches that are written one after another. */
export class ReplayBatch {
  readonly #write: (operations: readonly BackendOperation[], sequence: number) => Promise<void>
  #operations: BackendOperation[] = []
  #bytes = 0
  #sequence = 0
  #flushed = 0

  constructor(write: (operations: readonly BackendOperation[], sequence: number) => Promise<void>) {
    this.#write = write
  }

  async add(operation: BackendOperation, sequence: number): Promise<void> {
    this.#operations.push(operation)
    this.#sequence = sequence
    this.#bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0)
    if (this.#operations.length >= MAX_BATCH_OPERATIONS || this.#bytes >= MAX_BATCH_BYTES) await this.flush()
  }

  /** Call when a record was applied without the batch: what is written next goes up to it. */
  reached(sequence: number): void {
    this.#sequence = sequence
  }

  async flush(): Promise<void> {
    if (this.#operations.length === 0 && this.#sequence === this.#flushed) return
    const operations = this.#operations
    this.#operations = []
    this.#bytes = 0
    this.#flushed = this.#sequence
    await this.#write(operations, this.#sequence)
  }
}
