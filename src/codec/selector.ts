import type { Codec, CodecName } from './codec.js'
import { codecForWriting } from './registry.js'

/** Chooses a codec for each value. {@link adaptive} makes a selector. If a selector throws, the write is rejected. */
export interface CodecSelector {
  /** Gets the encoded key and value, which must not be kept or changed. */
  (key: Buffer, value: Buffer): Codec | CodecName
  /** The codecs that it may choose, if they are known: a store with this selector opens only if they load. */
  readonly codecs?: readonly (Codec | CodecName)[] | undefined
}

/**
 * The codec for one write: the given one, or what the given selector chooses.
 *
 * @throws CKV_INVALID_OPTION if that is no codec; LEVEL_NOT_SUPPORTED if it is not registered; CKV_CODEC_UNAVAILABLE if it does not load; what the
 *   selector throws
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
