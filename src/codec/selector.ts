import type { Codec, CodecName } from './codec.js'
import { codecForWriting } from './registry.js'

/** Chooses a codec for each value: {@link adaptive} makes one. If it throws, the write is rejected. */
export interface CodecSelector {
  /** @param key and value as they are encoded. Must not be kept or changed. */
  (key: Buffer, value: Buffer): Codec | CodecName
  /** The codecs it may choose, if known: a store with this selector opens only if they load. */
  readonly codecs?: readonly (Codec | CodecName)[] | undefined
}

/**
 * The codec for one write: the given one, or what the given selector chooses.
 *
 * @throws CKV_INVALID_OPTION if it is no codec; LEVEL_NOT_SUPPORTED for an unregistered one; CKV_CODEC_UNAVAILABLE if it does
 *   not load; what the selector throws
 */
export function codecForCall(codec: Codec | CodecName | CodecSelector, key: Buffer, value: Buffer): Codec {
  const found = codecForWriting(typeof codec === 'function' ? codec(key, value) : codec)
  if (!loaded.has(found)) {
    found.load?.()
    loaded.add(found)
  }
  return found
}

const loaded = new WeakSet<Codec>()
