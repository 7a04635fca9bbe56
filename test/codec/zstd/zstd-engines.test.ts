import { readFileSync } from 'node:fs'
import * as zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { AsyncZstd, SyncZstd } from '../../../src/codec/zstd/zstd-engine.js'
import { loadMongodbEngine } from '../../../src/codec/zstd/zstd-mongodb.js'
import { loadNodeEngine } from '../../../src/codec/zstd/zstd-node.js'
import { wasmEngine } from '../../../src/codec/zstd/zstd-wasm.js'
import { noise, text } from '../../support/sample-values.js'

const README = readFileSync(new URL('../../../node_modules/abstract-level/README.md', import.meta.url))
const SIZES = [0, 1, 17, 255, 256, 4096, 65_536, 300_000]

interface Engine {
  readonly name: string
  readonly compress: (data: Uint8Array, level: number) => Promise<Uint8Array>
  readonly decompress: (data: Uint8Array, rawLength: number) => Promise<Uint8Array>
}

function synchronous(name: string, engine: SyncZstd): Engine {
  return {
    name,
    compress: async (data, level) => engine.compressSync(data, level),
    decompress: async (data, rawLength) => engine.decompressSync(data, rawLength)
  }
}

function asynchronous(name: string, engine: AsyncZstd): Engine {
  return {
    name,
    compress: (data, level) => engine.compress(data, level),
    decompress: (data, rawLength) => engine.decompress(data, rawLength)
  }
}

const mongodb = loadMongodbEngine()
const node = loadNodeEngine()
const engines = [
  synchronous('WebAssembly', wasmEngine()),
  ...(mongodb === undefined ? [] : [asynchronous('@mongodb-js/zstd', mongodb)]),
  ...(node === undefined ? [] : [asynchronous('node:zlib', node), synchronous('node:zlib on the thread', node)])
]

describe.each(engines)('$name', engine => {
  test.each(SIZES)('restores %i bytes', async size => {
    for (const value of [text(size), noise(size)]) {
      expect(value.equals(await engine.decompress(await engine.compress(value, 3), size))).toBe(true)
    }
  })

  test('reads what every other engine wrote', async () => {
    for (const writer of engines) {
      for (const size of SIZES) {
        const value = text(size)
        const restored = await engine.decompress(await writer.compress(value, 3), size)
        expect(value.equals(restored), `${size} bytes by ${writer.name}`).toBe(true)
      }
    }
  })

  test('honours the level', async () => {
    const fast = await engine.compress(README, 1)
    const small = await engine.compress(README, 19)
    expect(small.length).toBeLessThan(0.95 * fast.length)
  })

  test('throws on bytes that are no frame', async () => {
    await expect(engine.decompress(noise(100), 100)).rejects.toThrow(Error)
  })
})

test('node:zlib is used exactly where it has Zstandard', () => {
  expect(node !== undefined).toBe('zstdCompress' in zlib)
})

describe('the WebAssembly engine', () => {
  test('stops at the raw length it is given', () => {
    const compressed = wasmEngine().compressSync(text(5000), 3)
    expect(() => wasmEngine().decompressSync(compressed, 4999)).toThrow(/Zstandard error/)
    expect(wasmEngine().decompressSync(compressed, 5000)).toEqual(text(5000))
  })

  test('hands out memory that later calls do not touch', () => {
    const engine = wasmEngine()
    const first = engine.compressSync(text(1000), 3)
    const copy = Buffer.from(first)
    engine.compressSync(noise(1000), 3)
    engine.decompressSync(first, 1000)
    expect(first).toEqual(copy)
  })

  test('works on after a failure, and after a value that made it give its memory up', () => {
    const engine = wasmEngine()
    expect(() => engine.decompressSync(noise(50), 50)).toThrow(/Zstandard error/)
    const huge = Buffer.alloc(48 * 1024 * 1024, 'huge')
    expect(huge.equals(engine.decompressSync(engine.compressSync(huge, 1), huge.length))).toBe(true)
    expect(engine.decompressSync(engine.compressSync(text(100), 3), 100)).toEqual(text(100))
  })
})
