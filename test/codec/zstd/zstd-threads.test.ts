import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Codec } from '../../../src/codec/codec.js'
import { loadMongodbEngine } from '../../../src/codec/zstd/zstd-mongodb.js'
import { loadNodeEngine } from '../../../src/codec/zstd/zstd-node.js'
import type * as WasmModule from '../../../src/codec/zstd/zstd-wasm.js'
import type * as ZstdModule from '../../../src/codec/zstd/zstd.js'

const README = readFileSync(new URL('../../../node_modules/abstract-level/README.md', import.meta.url))
const LARGE = Buffer.concat(Array.from({ length: 6 }, () => README))

const hasThreads = loadMongodbEngine() !== undefined || loadNodeEngine() !== undefined
const onThread = { calls: 0 }
let zstd: typeof ZstdModule.zstd

/** Counts the calls that WebAssembly answers on the calling thread. */
beforeEach(async () => {
  onThread.calls = 0
  vi.resetModules()
  vi.doMock('../../../src/codec/zstd/zstd-wasm.js', async importOriginal => {
    const engine = (await importOriginal<typeof WasmModule>()).wasmEngine()
    const counted = {
      compressSync: (data: Uint8Array, level: number) => (onThread.calls++, engine.compressSync(data, level)),
      decompressSync: (data: Uint8Array, rawLength: number) => (
        onThread.calls++,
        engine.decompressSync(data, rawLength)
      )
    }
    return { wasmEngine: () => counted }
  })
  zstd = (await import('../../../src/codec/zstd/zstd.js')).zstd
})

afterEach(() => {
  vi.doUnmock('../../../src/codec/zstd/zstd-wasm.js')
  vi.resetModules()
})

async function callsOnThread(codec: Codec, value: Buffer): Promise<number> {
  const restored = await codec.decompress(await codec.compress(value), value.length)
  expect(value.equals(restored)).toBe(true)
  return onThread.calls
}

test.each([1, 3, 9, 15, 16, 19])('large values of level %i are packed and restored off the thread', async level => {
  expect(await callsOnThread(zstd({ level }), LARGE)).toBe(hasThreads ? 0 : 2)
})

test('a frame that may unfold to far more than its value is restored on the thread, where output is bounded', async () => {
  const { frame, rleBlock, WINDOW_128_KIB } = await import('./zstd-parts.js')
  const runs = frame(
    [0, WINDOW_128_KIB],
    Array.from({ length: 100 }, () => rleBlock(128 * 1024))
  )
  await expect(zstd().decompress(runs, 1000)).rejects.toThrow(/Zstandard error/)
  expect(onThread.calls).toBe(1)
})

test('a frame that asks for a large window is restored on the thread, which needs none', async () => {
  const { frame, rleBlock } = await import('./zstd-parts.js')
  const windowOf256Mib = 18 << 3
  expect(await zstd().decompress(frame([0, windowOf256Mib], [rleBlock(1000)]), 1000)).toEqual(Buffer.alloc(1000, 'a'))
  expect(onThread.calls).toBe(1)
})
