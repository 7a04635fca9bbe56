import { isUint8Array } from 'node:util/types'
import type { Codec, CodecName } from '../../codec/codec.js'
import { expiryOf } from '../../envelope/expiry.js'
import { MAX_EXPIRES_AT } from '../../envelope/format.js'
import { invalidOption } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { shown } from '../../option-checks.js'
import { RECORD_KIND } from './format.js'

/** What is appended to a log: made by {@link Record}. Its bytes are copied when it is appended, not before. */
export interface LogRecord {
  readonly kind: (typeof RECORD_KIND)[keyof typeof RECORD_KIND]
  readonly key: Uint8Array
  /** Empty for kinds of records without a value. */
  readonly value: Uint8Array
  /** ms since 1970, or 0 for never. */
  readonly expiresAt: number
  /** Whether the value is an envelope already. */
  readonly sealed: boolean
  /** Compresses this value alone, before it is logged. */
  readonly codec: Codec | CodecName | undefined
}

/** A record read back. `key` and `value` are the caller's own from `get()`; from `read()` they are views that nobody writes to. */
export type WalRecord = {
  readonly key: Buffer
  readonly sequence: number
  /** ms since 1970; from then on the entry counts as deleted. */
  readonly expiresAt?: number
} & (
  | { readonly kind: 'put'; readonly tombstone: false; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly tombstone: true; readonly value: undefined }
  /** Every key from `key` on that lies below `end`; without `end` every key from `key` on. */
  | { readonly kind: 'clear'; readonly tombstone: true; readonly value: undefined; readonly end: Buffer | undefined }
)

export interface PutOptions {
  /** Time to live in ms, above 0. It is kept with the record as `expiresAt`; a log used alone does nothing with it. */
  readonly ttl?: number | undefined
  /**
   * Compresses this value alone, instead of leaving it to the log's own compression of whole frames. Needs a codec with
   * `compressSync`, as all built-in ones have.
   */
  readonly codec?: Codec | CodecName | undefined
}

const PUT_OPTIONS = { ttl: 'any', codec: 'any' } as const satisfies OptionTable<PutOptions>

const NOTHING = new Uint8Array(0)

/** Makes records. Text becomes UTF-8. */
export const Record = {
  /** @throws CKV_INVALID_OPTION for what is neither text nor bytes, and a ttl that is not a number above 0 */
  put(key: Uint8Array | string, value: Uint8Array | string, options?: PutOptions): LogRecord {
    if (options !== undefined) assertKnownOptions('Record.put()', options, PUT_OPTIONS)
    return {
      kind: RECORD_KIND.put,
      key: bytes(key),
      value: bytes(value),
      expiresAt: options?.ttl === undefined ? 0 : expiryOf(options.ttl),
      sealed: false,
      codec: options?.codec
    }
  },

  /** @throws CKV_INVALID_OPTION for what is neither text nor bytes */
  delete(key: Uint8Array | string): LogRecord {
    return {
      kind: RECORD_KIND.delete,
      key: bytes(key),
      value: NOTHING,
      expiresAt: 0,
      sealed: false,
      codec: undefined
    }
  }
} as const

const KINDS: ReadonlySet<unknown> = new Set(Object.values(RECORD_KIND))

/** @throws CKV_INVALID_OPTION for what {@link Record} did not make: its bytes would be a record that nothing can read */
export function assertRecord(record: LogRecord): void {
  const isRecord = KINDS.has(record?.kind) && isUint8Array(record.key) && isUint8Array(record.value)
  if (!isRecord) throw invalidOption('A log takes records, as Record.put(key, value) and Record.delete(key) make them')
  const { expiresAt } = record
  if (expiresAt >= 0 && expiresAt <= MAX_EXPIRES_AT) return
  throw invalidOption(`The expiresAt of a record must be in ms since 1970, or 0 for never, not ${shown(expiresAt)}`)
}

/** @param expiresAt ms since 1970, 0 for never */
export function rawPut(key: Uint8Array, value: Uint8Array, expiresAt: number): LogRecord {
  return { kind: RECORD_KIND.put, key, value, expiresAt, sealed: false, codec: undefined }
}

/** A put whose value is an envelope. */
export function sealedPut(key: Uint8Array, envelope: Uint8Array): LogRecord {
  return { kind: RECORD_KIND.put, key, value: envelope, expiresAt: 0, sealed: true, codec: undefined }
}

/**
 * A record that deletes a range of keys.
 *
 * @param end empty for no upper bound
 */
export function rangeClear(start: Uint8Array, end: Uint8Array): LogRecord {
  return { kind: RECORD_KIND.clear, key: start, value: end, expiresAt: 0, sealed: false, codec: undefined }
}

/** @throws CKV_INVALID_OPTION for what is neither text nor bytes: it would make a record that nothing can read */
function bytes(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (isUint8Array(data)) return data
  throw invalidOption('Keys and values of records are text or Uint8Arrays (of another view, pass its bytes)')
}
