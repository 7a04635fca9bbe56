import { require } from '../../require.js'
import type { AsyncZstd } from './zstd-engine.js'

interface Bindings {
  compress(data: Uint8Array, level: number): Promise<Uint8Array>
  decompress(data: Uint8Array): Promise<Uint8Array>
}

/**
 * @mongodb-js/zstd, an optional dependency: undefined if it is not installed or has no binary for this machine. The package's main entry ignores the
 * level (it always compresses at 3); its `bindings` entry passes the level on.
 */
export function loadMongodbEngine(): AsyncZstd | undefined {
  try {
    return require('@mongodb-js/zstd/bindings') as Bindings
  } catch {
    return undefined
  }
}
