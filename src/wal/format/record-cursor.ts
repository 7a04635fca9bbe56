import { type CompressedKvError, corruption } from '../../errors.js'
import {
  RECORD_EXPIRES,
  RECORD_EXPIRES_BYTES,
  RECORD_FLAGS_KNOWN,
  RECORD_KIND,
  RECORD_MORE,
  RECORD_SEALED
} from './format.js'
import { MAX_VARINT_BYTES } from './varint.js'

/** Reads the records of a raw payload one after another. Its fields are those of the record that `next()` has reached. */
export class RecordCursor {
  readonly payload: Buffer
  kind = 0
  /** 0 for never */
  expiresAt = 0
  keyAt = 0
  valueAt = 0
  #flags = 0
  #end = 0
  /** Offset after the varint that was read last. */
  #varintEnd = 0

  constructor(payload: Buffer) {
    this.payload = payload
  }

  get key(): Buffer {
    return this.payload.subarray(this.keyAt, this.valueAt)
  }

  get value(): Buffer {
    return this.payload.subarray(this.valueAt, this.#end)
  }

  get sealed(): boolean {
    return (this.#flags & RECORD_SEALED) !== 0
  }

  /** Whether the next record belongs to the same batch. */
  get more(): boolean {
    return (this.#flags & RECORD_MORE) !== 0
  }

  /** Offset of the next record. */
  get end(): number {
    return this.#end
  }

  /** Goes to the record at an offset. */
  moveTo(offset: number): void {
    this.#end = offset
    this.next()
  }

  /**
   * @returns false at the end of the payload
   * @throws LEVEL_CORRUPTION
   */
  next(): boolean {
    const { payload } = this
    let at = this.#end
    if (at === payload.length) return false
    this.kind = payload[at++]!
    const flags = payload[at++]!
    if (!(this.kind >= RECORD_KIND.put && this.kind <= RECORD_KIND.clear) || flags & ~RECORD_FLAGS_KNOWN) {
      throw undecodable('a record of an unknown kind')
    }
    this.#flags = flags
    const keyLength = this.#varint(at)
    const valueLength = this.#varint(this.#varintEnd)
    at = this.#varintEnd
    if (flags & RECORD_EXPIRES) {
      if (at + RECORD_EXPIRES_BYTES > payload.length) throw undecodable('a record that is cut short')
      this.expiresAt = payload.readUIntLE(at, RECORD_EXPIRES_BYTES)
      at += RECORD_EXPIRES_BYTES
    } else this.expiresAt = 0
    this.keyAt = at
    this.valueAt = at + keyLength
    this.#end = this.valueAt + valueLength
    // Also false if a byte read above was beyond the end: then the sum is NaN.
    if (this.#end <= payload.length) return true
    throw undecodable('a record that is cut short')
  }

  #varint(from: number): number {
    const { payload } = this
    const first = payload[from]!
    if (first <= 0x7f) {
      this.#varintEnd = from + 1
      return first
    }
    const second = payload[from + 1]!
    if (second <= 0x7f) {
      this.#varintEnd = from + 2
      return (first & 0x7f) | (second << 7)
    }
    return this.#longVarint(from)
  }

  #longVarint(from: number): number {
    let number = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.payload[from + i]
      if (byte === undefined) break
      number += (byte & 0x7f) * 2 ** (7 * i)
      if (byte > 0x7f) continue
      this.#varintEnd = from + i + 1
      return number
    }
    throw undecodable('a length that never ends')
  }
}

/**
 * Checks the records of a payload.
 *
 * @param count how many records it must have
 * @throws LEVEL_CORRUPTION
 */
export function checkRecords(payload: Buffer, count: number): void {
  const cursor = new RecordCursor(payload)
  let records = 0
  while (cursor.next()) records++
  if (records !== count) throw undecodable(`${records} records, not ${count}`)
  if (cursor.more) throw undecodable('a batch that goes on after its frame')
}

function undecodable(what: string): CompressedKvError {
  return corruption(`a frame of the log whose checksums hold contains ${what}`)
}
