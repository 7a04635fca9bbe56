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

/** From this size on, node:zlib's speed outweighs the cheaper call into WebAssembly (measured on Node.js 24). */
const NODE_SYNC_BYTES = 16 * 1024

export interface ZstdOptions {
  /** 1 (fast) to 22 (small and slow). @default 3 */
  readonly level?: number | undefined
}

const ZSTD_OPTIONS = { level: 'any' } as const satisfies OptionTable<ZstdOptions>

/**
 * Zstandard (RFC 8878). Off the main thread on @mongodb-js/zstd, or on node:zlib where that package is missing; on the main
 * thread in WebAssembly, so that `getSync` works and levels are honoured on every supported Node.js version, or in node:zlib where that has it,
 * from 16 KiB on or where WebAssembly is switched off.
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

/** One codec for each level: dictionaries keep tables, and WebAssembly memory, for every codec that uses them. */
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

/** The largest window that level 22 asks for; more is refused by the native decoders. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024

/**
 * Checks a frame against what its envelope says, before memory is allocated.
 *
 * @returns whether a streaming decoder may have it: such a decoder unfolds the whole frame, so the frame must be bounded to about four
 *   times what the envelope says (from level 16 on, honest frames have more blocks than they need). The WebAssembly decoder
 *   gets a buffer of `rawLength` bytes and stops at its end.
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
 * Memory of the native compressor by level, in bytes, measured with values of 2 MiB. It does not know their length, so it
 * prepares for any.
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
