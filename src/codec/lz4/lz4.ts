import { codecUnavailable, corruption } from '../../errors.js'
import { assertKnownOptions } from '../../known-options.js'
import { require } from '../../require.js'
import { nextTurn, Turn } from '../../turn.js'
import { builtIn } from '../built-in.js'
import { CODEC_ID, type Codec, type DictionaryCodec, type TransientForms } from '../codec.js'
import { dictionaryContent } from '../dictionary/dictionary-format.js'
import { MAX_VALUE_BYTES } from './lz4-functions.js'
import { kernelWith, type Lz4Kernel, sharedKernel, SIZE_BYTES } from './lz4-kernel.js'
import { reclaimAfter } from './thread-memory.js'

/**
 * LZ4 block compression: it compresses and restores fast, and saves less than Zstandard. The compressed form is that of lz4-napi: the raw size, a u32,
 * little-endian, and then one LZ4 block (github.com/lz4/lz4, doc/lz4_Block_format.md). lz4-napi is used on other threads, and for values above 64 KiB.
 * Smaller values are compressed and restored in WebAssembly on the calling thread: a call of lz4-napi alone takes 1 to 2 µs, and with 1 KiB of JSON
 * 7 µs instead of 3.
 *
 * @throws CKV_INVALID_OPTION for any option: it has none, since there is only one level
 */
export function lz4(): Codec
export function lz4(options?: unknown): Codec {
  if (options !== undefined) assertKnownOptions('lz4()', options, {})
  return LZ4
}

/**
 * Values up to this size are always restored on the calling thread. Here that takes 0.04 ms for 64 KiB, 0.1 ms for 256 KiB and 0.5 ms for 1 MiB; on
 * another thread it takes 0.1, 0.2 and 0.9 ms until the value is back.
 */
const MAX_HERE_BYTES = 1024 * 1024

const turn = new Turn()

const LZ4 = builtIn({
  id: CODEC_ID.lz4,
  name: 'lz4',
  load: () => void native(),
  compress: async data => {
    const compressed = await native().compress(data)
    reclaimAfter(data.length, smallCall) // lz4-napi allocates about that for the result, for the worst case.
    return compressed
  },
  compressSync: data => kernelFor(data.length)?.compress(data, 'sized') ?? native().compressSync(data),
  decompress: async (data, rawLength) => {
    checkSize(data, rawLength)
    if (rawLength <= MAX_HERE_BYTES) {
      while (turn.isOver) await nextTurn() // Calls that have waited for their start come one after another, with no turn of the event loop between.
      return restoredHere(data, rawLength)
    }
    const raw = await native().uncompress(data)
    reclaimAfter(rawLength, smallCall)
    return restored(raw, rawLength)
  },
  decompressSync: (data, rawLength) => {
    checkSize(data, rawLength)
    return restoredHere(data, rawLength)
  },
  withDictionary: dictionary => {
    const content = dictionaryContent(dictionary)
    const kernel = kernelWith(content)
    if (kernel === undefined) return nativeWith(content)
    return {
      compressSync(data) {
        const block = kernel.compressShared(data, 'block')
        return block.length < data.length ? block : undefined
      },
      decompressSync: (data, rawLength) => kernel.decompress(data, rawLength, 'block')
    }
  }
})

const TRANSIENT: TransientForms = {
  compress: data => kernelFor(data.length)?.compressShared(data, 'sized'),
  decompress: (data, rawLength) => {
    checkSize(data, rawLength)
    return kernelFor(rawLength)?.decompressShared(data, rawLength, 'sized')
  }
}
// Not enumerable: a codec that is made as `{ ...lz4(), compressSync, decompressSync }` must not get it, since its own functions would be bypassed.
Object.defineProperty(LZ4, 'transient', { value: TRANSIENT })

function kernelFor(rawLength: number): Lz4Kernel | undefined {
  return rawLength <= MAX_VALUE_BYTES ? sharedKernel() : undefined
}

/** What is used if there is no kernel. It takes longer: lz4-napi reads the dictionary for every value. */
function nativeWith(content: Uint8Array): DictionaryCodec {
  const dictionary = Buffer.from(content)
  return {
    compressSync(data) {
      const block = native().compressSync(data, dictionary).subarray(SIZE_BYTES)
      return block.length < data.length ? block : undefined
    },
    decompressSync(data, rawLength) {
      const sized = Buffer.allocUnsafe(SIZE_BYTES + data.length)
      sized.writeUInt32LE(rawLength)
      sized.set(data, SIZE_BYTES)
      checkSize(sized, rawLength)
      return restored(native().uncompressSync(sized, dictionary), rawLength)
    }
  }
}

/** One byte of LZ4 restores to at most this many: each byte adds at most 255 to a length. */
const MAX_RATIO = 255

/** Compares the size prefix with what the envelope says: lz4-napi allocates what the prefix says. */
function checkSize(data: Uint8Array, rawLength: number): void {
  if (data.length < SIZE_BYTES) throw corruption('LZ4 data without its size')
  const claimed = (data[0]! | (data[1]! << 8) | (data[2]! << 16) | (data[3]! << 24)) >>> 0
  if (claimed !== rawLength) throw corruption(`LZ4 data claims ${claimed} bytes, its envelope ${rawLength}`)
  if (rawLength > (data.length - SIZE_BYTES) * MAX_RATIO)
    throw corruption(`${data.length} bytes of LZ4 claim ${rawLength}`)
}

function restoredHere(data: Uint8Array, rawLength: number): Uint8Array {
  const kernel = kernelFor(rawLength)
  return kernel?.decompress(data, rawLength, 'sized') ?? restored(native().uncompressSync(data), rawLength)
}

function restored(raw: Uint8Array, rawLength: number): Uint8Array {
  if (raw.length !== rawLength) throw corruption(`LZ4 data unfolds to ${raw.length} bytes, not ${rawLength}`)
  return raw
}

let emptyFrame: Uint8Array | undefined

function smallCall(): Promise<unknown> {
  return native().decompressFrame((emptyFrame ??= native().compressFrameSync(Buffer.alloc(0))))
}

interface Lz4Napi {
  compress(data: Uint8Array): Promise<Uint8Array>
  compressSync(data: Uint8Array, dictionary?: Buffer): Uint8Array
  uncompress(data: Uint8Array): Promise<Uint8Array>
  uncompressSync(data: Uint8Array, dictionary?: Buffer): Uint8Array
  compressFrameSync(data: Buffer): Uint8Array
  decompressFrame(data: Uint8Array): Promise<Uint8Array>
}

let loaded: Lz4Napi | undefined

function native(): Lz4Napi {
  if (loaded !== undefined) return loaded
  try {
    return (loaded = require('lz4-napi') as Lz4Napi)
  } catch (cause) {
    throw codecUnavailable('LZ4 compression', 'lz4-napi', cause)
  }
}
