import { isPromise } from '../../is-promise.js'
import { RECORD_KIND } from './format.js'
import type { FrameHeader } from './frame-header.js'
import { RecordCursor } from './record-cursor.js'
import type { WalRecord } from './record.js'

/** Up to this length a loop copies faster than a call. */
const LOOP_BYTES = 24

/** Opens the envelope that a record holds as its value. */
export type Unseal = (envelope: Buffer) => Unsealed

export interface Unsealed {
  readonly value: Buffer | Promise<Buffer>
  /** ms since 1970; undefined if the envelope does not say it, as those of a store do: then the record says it. */
  readonly expiresAt: number | undefined
}

/** A decompressed data frame, which finds its records by index. */
export class DecodedFrame {
  readonly firstSequence: number
  readonly payload: Buffer
  /** Where each record begins; found when first asked for. */
  #starts: Uint32Array | undefined
  readonly count: number
  readonly #cursor: RecordCursor

  constructor(header: FrameHeader, payload: Buffer) {
    this.firstSequence = header.firstSequence
    this.count = header.count
    this.payload = payload
    this.#cursor = new RecordCursor(payload)
  }

  get lastSequence(): number {
    return this.firstSequence + this.count - 1
  }

  /** The record at an index, with memory of its own. */
  copyOf(index: number, unseal: Unseal): WalRecord | Promise<WalRecord> {
    const cursor = this.#at(index)
    const key = copyOfPart(this.payload, cursor.keyAt, cursor.valueAt)
    const value = copyOfPart(this.payload, cursor.valueAt, cursor.end)
    return recordOf(cursor, key, value, this.firstSequence + index, unseal)
  }

  /** The key of the record at an index: a view. */
  keyOf(index: number): Buffer {
    return this.#at(index).key
  }

  #at(index: number): RecordCursor {
    this.#starts ??= this.#findStarts()
    this.#cursor.moveTo(this.#starts[index]!)
    return this.#cursor
  }

  #findStarts(): Uint32Array {
    const starts = new Uint32Array(this.count)
    const cursor = new RecordCursor(this.payload)
    for (let i = 0; i < this.count; i++) {
      starts[i] = cursor.end
      cursor.next()
    }
    return starts
  }
}

/** Most of the time of a get from a cached frame is spent on allocation, and then on making views: a short part is copied without a view. */
function copyOfPart(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from)
  if (copy.length > LOOP_BYTES) bytes.copy(copy, 0, from, to)
  else for (let i = 0; i < copy.length; i++) copy[i] = bytes[from + i]!
  return copy
}

/** The record that a cursor is at. @param bytes its value as it is stored; like `key`, it becomes part of the record */
export function recordOf(
  { kind, expiresAt, sealed }: RecordCursor,
  key: Buffer,
  bytes: Buffer,
  sequence: number,
  unseal: Unseal
): WalRecord | Promise<WalRecord> {
  if (kind === RECORD_KIND.delete) return { kind: 'delete', key, sequence, tombstone: true, value: undefined }
  if (kind === RECORD_KIND.clear) {
    const end = bytes.length === 0 ? undefined : bytes
    return { kind: 'clear', key, sequence, tombstone: true, value: undefined, end }
  }
  if (!sealed) return put(key, bytes, sequence, expiresAt)
  const { value, expiresAt: ends = expiresAt } = unseal(bytes)
  return isPromise(value) ? value.then(opened => put(key, opened, sequence, ends)) : put(key, value, sequence, ends)
}

function put(key: Buffer, value: Buffer, sequence: number, expiresAt: number): WalRecord {
  if (expiresAt === 0) return { kind: 'put', key, value, sequence, tombstone: false }
  return { kind: 'put', key, value, sequence, tombstone: false, expiresAt }
}
