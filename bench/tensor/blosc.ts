import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PACKAGE_ROOT } from '../documents/package-root.js'
import type { Contender } from './contender.js'

/** It is installed with the rivals of bench/compare, since nothing else needs it. */
const MODULE = join(PACKAGE_ROOT, 'bench', 'compare', 'node_modules', 'numcodecs', 'dist', 'blosc.js')

interface BloscCodec {
  encode(data: Uint8Array): Promise<Uint8Array>
  decode(data: Uint8Array): Promise<Uint8Array>
}

interface BloscModule {
  readonly default: {
    fromConfig(config: { cname: string; clevel: number; shuffle: number; blocksize: number }): BloscCodec
  }
}

const SHUFFLE = 1
const BITSHUFFLE = 2

/**
 * Blosc as numcodecs has it: WebAssembly on the calling thread, which takes every value for an array of 4-byte numbers. Its level is 5, the
 * default; of the two shuffles it uses the one whose results are smaller here.
 *
 * @returns no contender if it is not installed
 */
export async function bloscContenders(): Promise<Contender[]> {
  if (!existsSync(MODULE)) return []
  const { default: Blosc } = (await import(pathToFileURL(MODULE).href)) as BloscModule
  return [
    { name: 'blosc, lz4, bit shuffle', cname: 'lz4', shuffle: BITSHUFFLE },
    { name: 'blosc, zstd, byte shuffle', cname: 'zstd', shuffle: SHUFFLE }
  ].map(({ name, cname, shuffle }) => {
    const codec = Blosc.fromConfig({ cname, shuffle, clevel: 5, blocksize: 0 })
    return { name, compress: data => codec.encode(data), decompress: data => codec.decode(data), rounds: SLOW_ROUNDS }
  })
}

/** Fewer rounds than others: a call takes ten to a hundred times as long. */
const SLOW_ROUNDS = 3
