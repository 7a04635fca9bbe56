import { CompressedKvError } from '../../errors.js'
import { boundsOf, type KeyRange } from './key-range.js'

/**
 * Keys the store keeps for itself: they begin with `ff 63 6b 76 00` ("ckv"). No UTF-8 text contains the byte ff, so only
 * binary keys can come near them.
 */
export const RESERVED_START = Buffer.from([0xff, 0x63, 0x6b, 0x76, 0x00])
/** The first key above them. */
export const RESERVED_END = Buffer.from([0xff, 0x63, 0x6b, 0x76, 0x01])

export function reservedKey(name: string): Buffer {
  return Buffer.concat([RESERVED_START, Buffer.from(name)])
}

/** Compared byte by byte: this is called for every key, and it is the fastest way to answer no. */
export function isReserved(key: Uint8Array): boolean {
  return key[0] === 0xff && key[1] === 0x63 && key[2] === 0x6b && key[3] === 0x76 && key[4] === 0x00
}

export function assertNotReserved(key: Uint8Array): void {
  if (!isReserved(key)) return
  throw new CompressedKvError(
    'LEVEL_INVALID_KEY',
    'Keys that begin with ff 63 6b 76 00 are reserved for the store itself: use another key'
  )
}

/** Whether a range may contain reserved keys. */
export function mayHoldReserved(range: KeyRange): boolean {
  const { lower, upper } = boundsOf(range)
  if (upper !== undefined && Buffer.compare(upper, RESERVED_START) < 0) return false
  return lower === undefined || Buffer.compare(lower, RESERVED_END) < 0
}

/** A range without what comes after the reserved keys. It ends with their common beginning, which is none of them. */
export function upToReserved<T extends KeyRange>(range: T): T {
  const { lower } = boundsOf(range)
  if (!mayHoldReserved(range) || (lower !== undefined && Buffer.compare(lower, RESERVED_START) > 0)) return range
  const { lt: _, ...part } = range
  return { ...part, lte: RESERVED_START } as T
}

/** The parts of a range below and above the reserved keys, without empty ones. They have only bounds, and no other options of `range`. */
export function aroundReserved(range: KeyRange): KeyRange[] {
  const { gt, gte, lt, lte } = range
  const { lower, upper } = boundsOf(range)
  const lowerBound = gte !== undefined ? { gte } : gt !== undefined ? { gt } : {}
  const upperBound = lte !== undefined ? { lte } : lt !== undefined ? { lt } : {}
  if (!mayHoldReserved(range)) return [{ ...lowerBound, ...upperBound }]
  const parts: KeyRange[] = []
  if (lower === undefined || Buffer.compare(lower, RESERVED_START) < 0)
    parts.push({ ...lowerBound, lt: RESERVED_START })
  if (upper === undefined || Buffer.compare(upper, RESERVED_END) >= 0) parts.push({ ...upperBound, gte: RESERVED_END })
  return parts
}
