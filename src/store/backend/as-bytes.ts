import { CompressedKvError, type ErrorCode } from '../../errors.js'
import { shown } from '../../option-checks.js'

/** Options for calls of a backend: keys and values come and go as bytes, whatever its own encodings are. */
export const AS_BYTES = Object.freeze({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
export const KEY_AS_BYTES = Object.freeze({ keyEncoding: 'buffer' })

/** Options of a write that resolves on stable storage, if the backend has such an option (as classic-level has). */
export const SYNCED = Object.freeze({ sync: true })
export const AS_BYTES_SYNCED = Object.freeze({ ...AS_BYTES, ...SYNCED })
export const KEY_AS_BYTES_SYNCED = Object.freeze({ ...KEY_AS_BYTES, ...SYNCED })

/** A Buffer over the same memory: backends may hand out any Uint8Array. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * What a key encoding returned, as bytes; text becomes UTF-8. abstract-level does not check it, and assumes that an encoding that names no format
 * returns Buffers.
 *
 * @throws LEVEL_INVALID_KEY for what is neither text nor bytes
 */
export function encodedKey(encoded: unknown): Buffer {
  return Buffer.isBuffer(encoded) ? encoded : bytesOf(encoded, 'key', 'LEVEL_INVALID_KEY')
}

/** Like {@link encodedKey}, for many keys. */
export function encodedKeys(encoded: readonly unknown[]): readonly Buffer[] {
  return encoded.every(key => Buffer.isBuffer(key)) ? encoded : encoded.map(encodedKey)
}

/**
 * Like {@link encodedKey}, for a value encoding.
 *
 * @throws LEVEL_INVALID_VALUE
 */
export function encodedValue(encoded: unknown): Buffer {
  return Buffer.isBuffer(encoded) ? encoded : bytesOf(encoded, 'value', 'LEVEL_INVALID_VALUE')
}

function bytesOf(encoded: unknown, what: string, code: ErrorCode): Buffer {
  if (typeof encoded === 'string') return Buffer.from(encoded)
  if (ArrayBuffer.isView(encoded)) return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  throw new CompressedKvError(
    code,
    `The encoding of a ${what} returned ${shown(encoded)}, which is neither text nor bytes`
  )
}
