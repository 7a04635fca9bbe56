import { builtIn } from './built-in.js'
import { CODEC_ID, type Codec } from './codec.js'

/** Stores values as they are. They still get an envelope: a checksum, and a mark that they are not plain data. */
export function none(): Codec {
  return NONE
}

/** {@link none} for values that a sample showed not worth compressing: statistics count them apart. */
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
