import { isUint8Array } from 'node:util/types'
import { CompressedKvError, corruption } from '../errors.js'
import type { Codec } from './codec.js'
import { restoring } from './off-thread.js'

/*
 * Restoring bytes whose checksums held: what goes wrong now is the codec's, or the bytes never were what they claim to be.
 */

/**
 * Restores off the main thread, within the bounds of `off-thread.ts`.
 *
 * @param what is restored, for the error's text
 * @throws LEVEL_CORRUPTION; an error of the library that the codec throws as it is, for instance that its package is missing
 */
export function restoreOffThread(codec: Codec, data: Uint8Array, rawLength: number, what: string): Promise<Buffer> {
  return restoring(data.length + rawLength, () => codec.decompress(data, rawLength)).then(
    raw => checkedRaw(raw, rawLength, what),
    (error: unknown) => {
      throw undecodable(codec, what, error)
    }
  )
}

/**
 * Restores on the calling thread, by a codec that has `decompressSync`.
 *
 * @param what is restored, for the error's text
 * @throws as {@link restoreOffThread}
 */
export function restoreSync(codec: Codec, data: Uint8Array, rawLength: number, what: string): Buffer {
  let raw: Uint8Array
  try {
    raw = codec.decompressSync!(data, rawLength)
  } catch (error) {
    throw undecodable(codec, what, error)
  }
  return checkedRaw(raw, rawLength, what)
}

/**
 * Restores into memory of the codec's own, which its next call overwrites.
 *
 * @returns undefined where the codec cannot do that
 */
export function restoreTransient(codec: Codec, data: Uint8Array, rawLength: number, what: string): Buffer | undefined {
  let raw: Uint8Array | undefined
  try {
    raw = codec.transient?.decompress(data, rawLength)
  } catch (error) {
    throw undecodable(codec, what, error)
  }
  return raw === undefined ? undefined : checkedRaw(raw, rawLength, what)
}

/** Checks what a codec returned: one of a user's own may return anything. */
export function checkedRaw(raw: Uint8Array, rawLength: number, what: string): Buffer {
  if (!isUint8Array(raw) || raw.length !== rawLength) {
    throw corruption(`${what} does not unfold to ${rawLength} bytes`)
  }
  return Buffer.isBuffer(raw) ? raw : Buffer.from(raw.buffer, raw.byteOffset, raw.length)
}

/** What to throw for what a codec threw: an error of this library as it is, LEVEL_CORRUPTION for any other. */
export function undecodable({ name }: Codec, what: string, cause: unknown): Error {
  if (cause instanceof CompressedKvError) return cause
  return corruption(`codec '${name}' could not restore ${what}`, cause)
}
