/** Options for calls of a backend: keys and values come and go as bytes, whatever its own encodings are. */
export const AS_BYTES = Object.freeze({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
export const KEY_AS_BYTES = Object.freeze({ keyEncoding: 'buffer' })

/** A write that resolves on stable storage, where the backend has such an option (classic-level). */
export const SYNCED = Object.freeze({ sync: true })
export const AS_BYTES_SYNCED = Object.freeze({ ...AS_BYTES, ...SYNCED })
export const KEY_AS_BYTES_SYNCED = Object.freeze({ ...KEY_AS_BYTES, ...SYNCED })

/** A Buffer over the same memory, for APIs that hand out any Uint8Array. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
