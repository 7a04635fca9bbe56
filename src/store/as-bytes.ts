/** Tells a backend that keys and values come and go as bytes, whatever its own encodings are. */
export const AS_BYTES = Object.freeze({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
export const KEY_AS_BYTES = Object.freeze({ keyEncoding: 'buffer' })

/** A Buffer over the same memory, for APIs that hand out any Uint8Array. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
