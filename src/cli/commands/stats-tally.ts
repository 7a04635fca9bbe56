import { isUtf8 } from 'node:buffer'
import { CODEC_ID, codecForReading, type StoredEntry } from '../../index.js'
import { isExpired } from '../expiry.js'

/** How many values of one kind there are, and how large they are together. */
export interface Sum {
  values: number
  /** Bytes before compression. */
  raw: number
  /** Bytes as stored, envelope and all. */
  stored: number
}

/** Upper bounds of the histogram's classes, in bytes, exclusive; the last class has none. */
const SIZE_CLASSES = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, Infinity]

/** Prefixes beyond this number share one line: there may be as many prefixes as keys. */
const MAX_PREFIXES = 10_000
const OTHER_PREFIXES = '(others)'
const NO_PREFIX = '(none)'

/** Adds up the values of a database. */
export class Tally {
  readonly total: Sum = newSum()
  keyBytes = 0
  readonly byCodec = new Map<string, Sum>()
  readonly byPrefix = new Map<string, Sum>()
  readonly bySize = SIZE_CLASSES.map(below => ({ below, values: 0 }))
  readonly counts = {
    /** Values without an envelope: from before the database was wrapped, or it never was. */
    plain: 0,
    /** Values in whose envelopes it is noted that compressing them was tried. */
    probed: 0,
    /** Values with a time to live. */
    expiring: 0,
    /** Of those, the ones whose time is over: they are there until they are overwritten or swept. */
    expired: 0,
    /** Values that are damaged, or from a later version. Of the other numbers they count only in `total`, without raw bytes, and in `keyBytes`. */
    unreadable: 0
  }

  add({ key, storedBytes, opened }: StoredEntry): void {
    this.keyBytes += key.length
    if (opened === undefined) {
      this.counts.unreadable++
      this.total.values++
      this.total.stored += storedBytes
      return
    }
    const { rawLength, codecId, dictionary, enveloped, probe, expiresAt } = opened
    const codec = codecName(codecId) + (dictionary === undefined ? '' : `, dictionary ${dictionary}`)
    for (const sum of [this.total, sumOf(this.byCodec, codec), sumOf(this.byPrefix, this.#prefix(key))]) {
      sum.values++
      sum.raw += rawLength
      sum.stored += storedBytes
    }
    this.bySize.find(({ below }) => rawLength < below)!.values++
    if (!enveloped) this.counts.plain++
    if (probe !== undefined) this.counts.probed++
    if (expiresAt !== undefined) this.counts.expiring++
    if (isExpired(expiresAt)) this.counts.expired++
  }

  #prefix(key: Buffer): string {
    const prefix = prefixOf(key)
    return this.byPrefix.has(prefix) || this.byPrefix.size < MAX_PREFIXES ? prefix : OTHER_PREFIXES
  }
}

/** A key up to and including the first `!`, `:` or `/`; if it begins with one, as in a sublevel, the second. In hex if that is not text. */
function prefixOf(key: Buffer): string {
  const end = key.subarray(1).findIndex(byte => byte === 0x21 || byte === 0x3a || byte === 0x2f)
  if (end < 0) return NO_PREFIX
  const prefix = key.subarray(0, end + 2)
  return isUtf8(prefix) ? prefix.toString() : `0x${prefix.toString('hex')}`
}

/** A codec's name. One of a user's own has only its number here, unless it was registered. */
function codecName(id: number): string {
  if (id === CODEC_ID.none) return 'none'
  try {
    return codecForReading(id).name
  } catch {
    return `codec ${id}`
  }
}

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  let sum = sums.get(name)
  if (sum === undefined) sums.set(name, (sum = newSum()))
  return sum
}

function newSum(): Sum {
  return { values: 0, raw: 0, stored: 0 }
}
