import { corruption } from '../../errors.js'
import { DICTIONARY_VALUE_LIMIT, type DictionaryCodec } from '../codec.js'
import { dictionaryContent, withoutId } from '../dictionary/dictionary-format.js'
import { lacksWebAssembly } from '../wasm-instances.js'
import { ZstdBlockDecoder } from './zstd-block-decoder.js'
import { MAX_ENCODED_BYTES, ZstdBlockEncoder } from './zstd-block-encoder.js'
import { ZSTD_MAGIC } from './zstd-frame.js'
import { wasmCompressorWith, wasmDecompressorWith } from './zstd-wasm.js'

/*
 * Zstandard with a dictionary, for small values. A frame of one compressed block (RFC 8878, 3.1.1):
 *
 *     magic 4 | descriptor 1 | content size 1 or 2 | block header 3: last 1, type 2, size 21 bits | block
 *
 * Only the block is kept. The rest follows from the lengths, and would be a tenth of what a line of a log takes.
 */

/** "Single segment": the window is as long as the value. The two highest bits give the width of the content size. */
const DESCRIPTOR_ONE_BYTE = 0x20
const DESCRIPTOR_TWO_BYTES = 0x60
/** From this content size on it has two bytes, and is stored less this number. */
const TWO_BYTES_FROM = 256
const BLOCK_HEADER_BYTES = 3
const LAST_BLOCK = 1
const COMPRESSED_BLOCK = 2

/** Up to this level values are compressed by {@link ZstdBlockEncoder}: with a dictionary, libzstd needs a higher level to do better. */
const MAX_ENCODER_LEVEL = 5
/** How many bytes of a dictionary's content are written and restored as a test, before an encoder is used. */
const PROBED_CONTENT_BYTES = 1024

/** @param dictionary in Zstandard's format, or any bytes */
export function zstdWithDictionary(dictionary: Uint8Array, level: number): DictionaryCodec {
  const compress = wasmCompressorWith(withoutId(dictionary))
  // Encoder and decoder are made when they are first needed.
  let encoder: { prepared: ZstdBlockEncoder | undefined } | undefined
  let decoder: Pick<ZstdBlockDecoder, 'decode'> | undefined
  const preparedDecoder = () => (decoder ??= decoderWith(dictionary))
  const decompressSync = (data: Uint8Array, rawLength: number) => {
    // A block that is not shorter than its value is never stored: the value is stored raw then.
    if (data.length >= rawLength || rawLength >= DICTIONARY_VALUE_LIMIT)
      throw corruption('a Zstandard block that is not shorter than its value')
    return preparedDecoder().decode(data, rawLength)
  }
  return {
    compressSync(data) {
      encoder ??= { prepared: level <= MAX_ENCODER_LEVEL ? proven(dictionary, decompressSync) : undefined }
      if (encoder.prepared !== undefined && data.length <= MAX_ENCODED_BYTES) return encoder.prepared.encode(data)
      preparedDecoder() // If there can be no decoder, this throws, so that nothing is written that could not be read.
      return blockIn(compress(data, level), data.length)
    },
    decompressSync
  }
}

/**
 * If WebAssembly gets no memory for another decoder, libzstd's takes its place. It is the same one for all dictionaries, and so reads the dictionary
 * for every value.
 */
function decoderWith(dictionary: Uint8Array): Pick<ZstdBlockDecoder, 'decode'> {
  try {
    return new ZstdBlockDecoder(dictionary)
  } catch (error) {
    if (!lacksWebAssembly(error)) throw error
    return byLibzstd(dictionary)
  }
}

function byLibzstd(dictionary: Uint8Array): Pick<ZstdBlockDecoder, 'decode'> {
  const decompress = wasmDecompressorWith(withoutId(dictionary))
  return {
    decode(block, rawLength) {
      const value = decompress(Buffer.concat([headerOf(block.length, rawLength), block]), rawLength)
      if (value.length !== rawLength) throw corruption('a Zstandard block of a value of another length')
      return Buffer.from(value)
    }
  }
}

/** An encoder, if there is one for the dictionary and what it writes can be restored. That is tried with some of the content and every literal. */
function proven(
  dictionary: Uint8Array,
  restore: (block: Uint8Array, rawLength: number) => Uint8Array
): ZstdBlockEncoder | undefined {
  try {
    const encoder = ZstdBlockEncoder.create(dictionary)
    const content = dictionaryContent(dictionary).subarray(-PROBED_CONTENT_BYTES)
    const probe = Buffer.concat([content, Uint8Array.from({ length: 256 }, (_, byte) => byte), content])
    const block = encoder?.encode(probe)
    return block && Buffer.compare(restore(block, probe.length), probe) === 0 ? encoder : undefined
  } catch {
    return undefined // Whether the dictionary can be used at all is decided by the decoder.
  }
}

function headerBytes(rawLength: number): number {
  return ZSTD_MAGIC.length + 1 + (rawLength < TWO_BYTES_FROM ? 1 : 2) + BLOCK_HEADER_BYTES
}

/** @returns undefined unless the frame is one compressed block that is shorter than the value */
function blockIn(frame: Uint8Array, rawLength: number): Uint8Array | undefined {
  const from = headerBytes(rawLength)
  if (frame.length < from || frame.length - from >= rawLength) return undefined
  const header = headerOf(frame.length - from, rawLength)
  return header.compare(frame, 0, from) === 0 ? frame.subarray(from) : undefined
}

function headerOf(blockLength: number, rawLength: number): Buffer {
  const header = Buffer.alloc(headerBytes(rawLength))
  header.set(ZSTD_MAGIC, 0)
  let at = ZSTD_MAGIC.length
  if (rawLength < TWO_BYTES_FROM) {
    header[at++] = DESCRIPTOR_ONE_BYTE
    header[at++] = rawLength
  } else {
    header[at++] = DESCRIPTOR_TWO_BYTES
    at = header.writeUInt16LE(rawLength - TWO_BYTES_FROM, at)
  }
  header.writeUIntLE(LAST_BLOCK | (COMPRESSED_BLOCK << 1) | (blockLength << 3), at, BLOCK_HEADER_BYTES)
  return header
}
