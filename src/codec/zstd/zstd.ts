import { corruption, invalidOption } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { shown } from '../../option-checks.js'
import { builtIn } from '../built-in.js'
import { CODEC_ID, type Codec } from '../codec.js'
import { lacksWebAssembly } from '../wasm-instances.js'
import { MAX_BLOCK_BYTES } from '../zstd-format/zstd-codes.js'
import { zstdWithDictionary } from './zstd-dictionary.js'
import type { AsyncZstd, SyncZstd } from './zstd-engine.js'
import { measureFrame } from './zstd-frame.js'
import { loadMongodbEngine } from './zstd-mongodb.js'
import { loadNodeEngine } from './zstd-node.js'
import { wasmEngine } from './zstd-wasm.js'

export const ZSTD_DEFAULT_LEVEL = 3
const ZSTD_MAX_LEVEL = 22

/** For values of this size and more node:zlib is faster; for smaller ones WebAssembly is, a call of which costs less (measured on Node.js 24). */
const NODE_SYNC_BYTES = 16 * 1024

export interface ZstdOptions {
  /** 1 (fast) to 22 (small and slow). @default 3 */
  readonly level?: number | undefined
}

const ZSTD_OPTIONS = { level: 'any' } as const satisfies OptionTable<ZstdOptions>

/**
 * Zstandard (RFC 8878). Off the main thread it is done by @mongodb-js/zstd, or by node:zlib if that package is missing. On the main thread it is done
 * in WebAssembly, so that `getSync` works and levels are honoured on every supported Node.js version; if node:zlib has Zstandard, that is used for
 * values of 16 KiB and more, and if WebAssembly is switched off.
 *
 * @throws CKV_INVALID_OPTION for a level out of range
 */
export function zstd(options: ZstdOptions = {}): Codec {
  assertKnownOptions('zstd()', options, ZSTD_OPTIONS)
  const { level = ZSTD_DEFAULT_LEVEL } = options
  if (!Number.isInteger(level) || level < 1 || level > ZSTD_MAX_LEVEL) {
    throw invalidOption(`zstd level must be an integer from 1 to ${ZSTD_MAX_LEVEL}, not ${shown(level)}`)
  }
  return (byLevel[level] ??= zstdOf(level))
}

/** There is one codec for each level, since for every codec that uses a dictionary there are tables of that, in memory of WebAssembly. */
const byLevel: Codec[] = []

function zstdOf(level: number): Codec {
  return builtIn({
    id: CODEC_ID.zstd,
    name: 'zstd',
    effort: level,
    workingBytes: workingBytes(level),
    load: () => void syncEngine(0),
    compress: async data => {
      const engine = asyncEngine()
      return engine === undefined ? wasmEngine().compressSync(data, level) : engine.compress(data, level)
    },
    compressSync: data => syncEngine(data.length).compressSync(data, level),
    decompress: async (data, rawLength) => {
      const trusted = checkFrame(data, rawLength) ? asyncEngine() : undefined
      return restored(
        trusted ? await trusted.decompress(data, rawLength) : wasmEngine().decompressSync(data, rawLength),
        rawLength
      )
    },
    decompressSync: (data, rawLength) => {
      const engine = checkFrame(data, rawLength) ? syncEngine(rawLength) : wasmEngine()
      return restored(engine.decompressSync(data, rawLength), rawLength)
    },
    withDictionary: dictionary => zstdWithDictionary(dictionary, level)
  })
}

/** The largest window that level 22 asks for. The native decoders refuse a larger one. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024

/**
 * Checks a frame against what its envelope says, before memory is allocated.
 *
 * @returns whether a streaming decoder may be given the frame. Such a decoder unfolds all of it, so that it must not unfold to more than about four
 *   times what the envelope says (from level 16 on, honest frames have more blocks than they need). The WebAssembly decoder, which is used
 *   otherwise, gets a buffer of `rawLength` bytes and stops at its end.
 */
function checkFrame(frame: Uint8Array, rawLength: number): boolean {
  const { contentSize, outputBound, windowBytes } = measureFrame(frame)
  if (contentSize !== undefined && contentSize !== rawLength) {
    throw corruption(`Zstandard frame claims ${contentSize} bytes, its envelope ${rawLength}`)
  }
  if (outputBound < rawLength) throw corruption(`Zstandard frame holds at most ${outputBound} of ${rawLength} bytes`)
  return outputBound <= 4 * (rawLength + MAX_BLOCK_BYTES) && windowBytes <= MAX_WINDOW_BYTES
}

const MIB = 1024 * 1024

/**
 * How much memory the native compressor takes at a level, in bytes, measured with values of 2 MiB. The compressor does not know their length, and
 * so prepares for any.
 */
function workingBytes(level: number): number {
  if (level <= 8) return 4 * MIB
  if (level <= 12) return 24 * MIB
  if (level <= 19) return 80 * MIB
  return { 20: 160, 21: 330, 22: 660 }[level]! * MIB
}

function restored(raw: Uint8Array, rawLength: number): Uint8Array {
  if (raw.length !== rawLength) throw corruption(`Zstandard frame unfolds to ${raw.length} bytes, not ${rawLength}`)
  return raw
}

let native: { node: (AsyncZstd & SyncZstd) | undefined; mongodb: AsyncZstd | undefined } | undefined

function engines() {
  return (native ??= { node: loadNodeEngine(), mongodb: loadMongodbEngine() })
}

function asyncEngine(): AsyncZstd | undefined {
  return engines().mongodb ?? engines().node
}

function syncEngine(bytes: number): SyncZstd {
  return (bytes >= NODE_SYNC_BYTES ? engines().node : undefined) ?? smallValueEngine()
}

function smallValueEngine(): SyncZstd {
  try {
    return wasmEngine()
  } catch (error) {
    const { node } = engines()
    if (node !== undefined && lacksWebAssembly(error)) return node
    throw error
  }
}
