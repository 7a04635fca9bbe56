import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { encodeMarker, MARKER_KEY, newMarker } from '../../src/store/marker.js'
import {
  type Backend,
  cached,
  type Codec,
  codecs,
  failuresOver,
  inLevelDb,
  inMemory,
  inSublevel,
  TIMEOUT_MS
} from './suite.js'

/** A backend that held plain values when it was wrapped, and lost them since: its marker asks for guards. */
class OnceFilled extends MemoryLevel {
  #filled = false

  async _open(): Promise<void> {
    if (this.#filled) return
    this.#filled = true
    const marker = encodeMarker(newMarker(true))
    await (this as unknown as { _put(key: Buffer, value: Buffer): Promise<void> })._put(MARKER_KEY, marker)
  }
}

/** Backend, codec, and how. LevelDB takes the longest by far, so it gets the fewest. */
const writeThrough: [string, Backend, readonly Codec[]][] = [
  ['memory-level (buffer)', inMemory, codecs],
  ['memory-level (view)', () => new MemoryLevel({ storeEncoding: 'view' }), ['none', 'lz4']],
  ['memory-level that was filled before (guarded)', () => new OnceFilled({ storeEncoding: 'buffer' }), ['lz4', 'zstd']],
  ['classic-level', inLevelDb, ['none', 'zstd']],
  ['a sublevel', inSublevel, ['lz4', 'zstd']]
]

describe.each(writeThrough)('the abstract-level suite over %s', (_, backend, uses) => {
  it.each(uses)('passes with %s', { timeout: TIMEOUT_MS }, async codec => {
    expect(await failuresOver(backend, () => ({ codec, wal: false, ...cached }))).toEqual([])
  })
})
