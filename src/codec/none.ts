import { builtIn } from './built-in.js'
import { CODEC_ID, type Codec } from './codec.js'

/** Stores values as they are. They still get an envelope: a checksum, and a mark that tells them from plain data. */
export function none(): Codec {
  return NONE
}

const NONE = builtIn({
  id: CODEC_ID.none,
  name: 'none',
  compress: async data => Buffer.from(data),
  decompress: async data => Buffer.from(data),
  compressSync: data => Buffer.from(data),
  decompressSync: data => Buffer.from(data)
})
