import type { AbstractSnapshot } from 'abstract-level'
import { keyName, keyOfName } from '../../memtable/key-name.js'
import type { RangeTombstone } from '../../memtable/range-tombstone.js'
import { encodedKey } from './as-bytes.js'

/*
 * The shapes of a range of keys:
 *
 *     KeyRange          gt, gte, lt, lte: as abstract-level hands it over, and as a backend takes it
 *     KeySelection      a KeyRange with direction, limit and snapshot
 *     HalfOpenRange     [start, end), of bytes: as the log has it
 *     RangeTombstone    [start, end), of names: as tables have it
 */

/** Bounds as abstract-level hands them to `_iterator` and `_clear`: encoded keys. A bound that is a property counts, even if it is undefined. */
export interface KeyRange {
  readonly gt?: Buffer
  readonly gte?: Buffer
  readonly lt?: Buffer
  readonly lte?: Buffer
}

/** The keys of a range that are wanted. */
export interface KeySelection extends KeyRange {
  readonly reverse: boolean
  /** -1 for none */
  readonly limit: number
  readonly snapshot?: AbstractSnapshot
}

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const

/** Stands for the end of a range without an end: greater than any key that is likely. */
export const LAST_KEY = Buffer.alloc(64, 0xff)

/**
 * A copy of options of a range, with copies of its bounds, as bytes.
 *
 * @throws LEVEL_INVALID_KEY
 */
export function withOwnBounds<T extends KeyRange>(options: T): T {
  const own: { -readonly [bound in keyof KeyRange]: Buffer } = {}
  for (const name of BOUNDS) if (name in options) own[name] = Buffer.from(encodedKey(options[name]))
  return { ...options, ...own }
}

/** The part of a selection that ends with a key. */
export function upToKey<T extends KeyRange & { readonly reverse: boolean }>(options: T, key: Buffer): T {
  const part = { ...options, [options.reverse ? 'gte' : 'lte']: key }
  delete part[options.reverse ? 'gt' : 'lt']
  return part
}

/** `[start, end)`; without `end` there is no upper bound. */
export interface HalfOpenRange {
  readonly start: Buffer
  readonly end: Buffer | undefined
}

/** Whether a key lies before or after a range. */
export function isOutside(key: Buffer, { gt, gte, lt, lte }: KeyRange): boolean {
  if (gte !== undefined ? Buffer.compare(key, gte) < 0 : gt !== undefined && Buffer.compare(key, gt) <= 0) return true
  return lte !== undefined ? Buffer.compare(key, lte) > 0 : lt !== undefined && Buffer.compare(key, lt) >= 0
}

export function halfOpen({ gt, gte, lt, lte }: KeyRange): HalfOpenRange {
  const start = gte ?? (gt === undefined ? Buffer.alloc(0) : keyAfter(gt))
  return { start, end: lte === undefined ? lt : keyAfter(lte) }
}

/** Whether a range ends at the empty key. Such a range is empty, and it cannot be logged: in the log an empty end means that there is no end. */
export function endsAtEmptyKey({ end }: HalfOpenRange): boolean {
  return end?.length === 0
}

export function keyRangeOf({ start, end }: HalfOpenRange): KeyRange {
  return end === undefined ? { gte: start } : { gte: start, lt: end }
}

export function tombstoneOf({ start, end }: HalfOpenRange): RangeTombstone {
  return { start: keyName(start), end: end === undefined ? undefined : keyName(end) }
}

export function rangeOfTombstone({ start, end }: RangeTombstone): HalfOpenRange {
  return { start: keyOfName(start), end: end === undefined ? undefined : keyOfName(end) }
}

/** The key that comes right after this one in order. */
function keyAfter(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}

/** The bounds that count: as in abstract-level, `gte` and `lte` win over `gt` and `lt`. */
export function boundsOf({ gt, gte, lt, lte }: KeyRange): { lower: Buffer | undefined; upper: Buffer | undefined } {
  return { lower: gte ?? gt, upper: lte ?? lt }
}
