import { builtIn } from './built-in.js'
import { CODEC_ID, type Codec } from './codec.js'

/** Stores values as they are. They get an envelope all the same: a checksum, and a tag that distinguishes them from plain values. */
export function none(): Codec {
  return NONE
}

/** {@link none}, for values of which a sample shows that compressing is not worth while: statistics count them separately. */
export function leftRaw(): Codec {
  return LEFT_RAW
}

const COPYING = {
  id: CODEC_ID.none,
  name: 'none',
  compress: async (data: Uint8Array) => Buffer.from(data),
  decompress: async (data: Uint8Array) => Buffer.from(data),
  compressSync: (data: Uint8Array) => Buffer.from(data),
  decompressSync: (data: Uint8Array) => Buffer.from(data)
} satisfies Codec

const NONE = builtIn({ ...COPYING })
const LEFT_RAW = builtIn({ ...COPYING })
