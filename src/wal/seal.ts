import { readU64, SEAL_BYTES, writeU64 } from './format.js'

/*
 * The payload of a seal:
 *
 *     offset  size
 *          0     8   records that the segment's data frames have
 *          8     8   last sequence number of the log
 */
const RECORDS_AT = 0
const LAST_SEQUENCE_AT = RECORDS_AT + 8

export interface Seal {
  readonly records: number
  readonly lastSequence: number
}

export function encodeSeal({ records, lastSequence }: Seal): Buffer {
  const payload = Buffer.alloc(SEAL_BYTES)
  writeU64(payload, records, RECORDS_AT)
  writeU64(payload, lastSequence, LAST_SEQUENCE_AT)
  return payload
}

export function decodeSeal(payload: Buffer): Seal {
  return { records: readU64(payload, RECORDS_AT), lastSequence: readU64(payload, LAST_SEQUENCE_AT) }
}
