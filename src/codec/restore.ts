import { isUint8Array } from 'node:util/types'
import { CompressedKvError, corruption } from '../errors.js'
import type { Codec } from './codec.js'
import { restoring } from './off-thread.js'

/*
 * Restores bytes whose checksums hold. If that fails, it is the codec's fault, or the bytes never were what they claim to be.
 */

/**
 * Restores off the main thread, within the bounds of `off-thread.ts`.
 *
 * @param what is restored, for the error's text
 * @throws LEVEL_CORRUPTION; if the codec throws an error of this library, as it does if its package is missing, that error
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
 * @param what what is restored, for the message of an error
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
 * Restores into the codec's own memory, which its next call overwrites.
 *
 * @returns undefined if the codec cannot do that
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

/** Checks what a codec has returned: a user's own codec may return anything. */
export function checkedRaw(raw: Uint8Array, rawLength: number, what: string): Buffer {
  if (!isUint8Array(raw) || raw.length !== rawLength) {
    throw corruption(`${what} does not unfold to ${rawLength} bytes`)
  }
  return Buffer.isBuffer(raw) ? raw : Buffer.from(raw.buffer, raw.byteOffset, raw.length)
}

/** The error to throw when a codec has thrown: an error of this library as it is, LEVEL_CORRUPTION for any other. */
export function undecodable({ name }: Codec, what: string, cause: unknown): Error {
  if (cause instanceof CompressedKvError) return cause
  return corruption(`codec '${name}' could not restore ${what}`, cause)
}
