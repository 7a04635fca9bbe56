import {
  FRAME_HEADER_BYTES,
  RECORD_EXPIRES,
  RECORD_EXPIRES_BYTES,
  RECORD_MORE,
  RECORD_SEALED
} from '../format/format.js'
import type { LogRecord } from '../format/record.js'
import { varintBytes, writeVarint } from '../format/varint.js'
import type { WrittenFrame } from '../segments/segments.js'

/** Up to this length a loop copies faster than a call. */
const LOOP_BYTES = 24

/** Raw bytes that a record takes in a frame. */
export function recordBytes({ key, value, expiresAt }: LogRecord): number {
  return (
    2 +
    varintBytes(key.length) +
    varintBytes(value.length) +
    (expiresAt === 0 ? 0 : RECORD_EXPIRES_BYTES) +
    key.length +
    value.length
  )
}

/** A call that waits for the frame that it has appended to. */
export interface Waiter {
  /** Index of its first record in the frame; set by the append. */
  index: number
  /** How many records it appended; set by the append. */
  count: number
  settle(frame: OpenFrame, waiter: Waiter): void
  reject(error: unknown): void
}

export function waiter(settle: Waiter['settle'], reject: Waiter['reject']): Waiter {
  return { index: 0, count: 0, settle, reject }
}

/** Sequence number of the last record that a call appended. */
export function lastSequenceOf({ firstSequence }: OpenFrame, { index, count }: Waiter): number {
  return firstSequence + index + count - 1
}

/**
 * A frame that still takes records. A record is
 *
 *     kind u8 | flags u8 | varint key length | varint value length | [expiresAt u48] | key | value
 */
export class OpenFrame {
  /** Memory for the frame: its header, then the records. */
  readonly bytes: Buffer
  /** Bytes of the records. */
  length = 0
  count = 0
  readonly waiters: Waiter[] = []
  /** Whether a waiter needs it to be on stable storage. */
  sync = false

  // Set by writtenAt().
  segment = 0
  offset = 0
  firstSequence = 0

  #outcome: { readonly promise: Promise<void>; resolve(): void; reject(error: unknown): void } | undefined

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Resolves or rejects after the waiters were told. One promise for all callers that need to know no more than that. */
  get outcome(): Promise<void> {
    return (this.#outcome ??= outcome()).promise
  }

  writtenAt({ segment, offset, firstSequence }: WrittenFrame): void {
    this.segment = segment
    this.offset = offset
    this.firstSequence = firstSequence
  }

  /** It is written, and on stable storage if it had to be. */
  settle(): void {
    for (const waiting of this.waiters) waiting.settle(this, waiting)
    this.#outcome?.resolve()
  }

  reject(error: unknown): void {
    for (const waiting of this.waiters) waiting.reject(error)
    this.#outcome?.reject(error)
  }

  fits(size: number): boolean {
    return FRAME_HEADER_BYTES + this.length + size <= this.bytes.length
  }

  /** The records. */
  get raw(): Buffer {
    return this.whole.subarray(FRAME_HEADER_BYTES)
  }

  /** The records, with space for the header before them. */
  get whole(): Buffer {
    return this.bytes.subarray(0, FRAME_HEADER_BYTES + this.length)
  }

  /** @param more whether the next record belongs to the same batch */
  add(record: LogRecord, more: boolean): void {
    const { bytes } = this
    const { key, value, expiresAt } = record
    let at = FRAME_HEADER_BYTES + this.length
    bytes[at++] = record.kind
    bytes[at++] =
      (record.sealed ? RECORD_SEALED : 0) | (expiresAt === 0 ? 0 : RECORD_EXPIRES) | (more ? RECORD_MORE : 0)
    at = writeVarint(bytes, at, key.length)
    at = writeVarint(bytes, at, value.length)
    if (expiresAt !== 0) at = bytes.writeUIntLE(expiresAt, at, RECORD_EXPIRES_BYTES)
    at = copy(key, bytes, at)
    this.length = copy(value, bytes, at) - FRAME_HEADER_BYTES
    this.count++
  }
}

function outcome() {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

function copy(from: Uint8Array, into: Uint8Array, at: number): number {
  const { length } = from
  if (length > LOOP_BYTES) into.set(from, at)
  else for (let i = 0; i < length; i++) into[at + i] = from[i]!
  return at + length
}
