import * as zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { zstd as ordinary } from '../../../src/codec/zstd/zstd.js'
import { noise, text } from '../../support/sample-values.js'

const NODE_HAS_ZSTD = 'zstdCompress' in zlib
const NEEDS_WEBASSEMBLY = expect.objectContaining({
  code: 'LEVEL_NOT_SUPPORTED',
  message: expect.stringMatching(/Zstandard needs WebAssembly.*--jitless.*ulimit -v/)
})

// Its instance is made while there is WebAssembly.
ordinary().load!()

/** How often an instance was asked for in vain. */
let attempts = 0
let hasMemory = false
let printed: unknown[][] = []

beforeEach(() => {
  attempts = 0
  hasMemory = false
  printed = []
  vi.resetModules()
  for (const method of ['warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((...args) => void printed.push(args))
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  vi.resetModules()
})

interface WebAssemblyApi {
  readonly Module: object
  readonly Instance: new (module: object, imports: object) => object
}

/** WebAssembly whose instances get memory only while `hasMemory`. */
function withoutMemory(): void {
  const { WebAssembly: real } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
  function Instance(module: object, imports: object): object {
    if (hasMemory) return new real.Instance(module, imports)
    attempts++
    throw new RangeError('WebAssembly.Instance(): Out of memory')
  }
  vi.stubGlobal('WebAssembly', { Module: real.Module, Instance })
}

describe.each([
  ['is switched off', () => vi.stubGlobal('WebAssembly', undefined)],
  ['has no memory', withoutMemory]
])('where WebAssembly %s', (_, takeAway) => {
  beforeEach(takeAway)

  test('its engine throws an error that says so, prints nothing, and does not try again', async () => {
    const { wasmEngine } = await import('../../../src/codec/zstd/zstd-wasm.js')
    for (let i = 0; i < 3; i++) expect(wasmEngine).toThrow(NEEDS_WEBASSEMBLY)
    expect(attempts).toBeLessThanOrEqual(1)
    expect(printed).toEqual([])
  })

  test.runIf(NODE_HAS_ZSTD)('node:zlib takes its place', async () => {
    const codec = (await import('../../../src/codec/zstd/zstd.js')).zstd()
    codec.load!()
    for (const value of [text(0), text(1000), noise(1000), text(50_000)]) {
      const compressed = codec.compressSync!(value)
      expect(codec.decompressSync!(compressed, value.length)).toEqual(value)
      expect(ordinary().decompressSync!(compressed, value.length)).toEqual(value)
      expect(codec.decompressSync!(ordinary().compressSync!(value), value.length)).toEqual(value)
    }
  })

  test.runIf(!NODE_HAS_ZSTD)('the codec says so when it is loaded or used on the thread', async () => {
    const codec = (await import('../../../src/codec/zstd/zstd.js')).zstd()
    for (const use of [() => codec.load!(), () => codec.compressSync!(text(100_000))])
      expect(use).toThrow(NEEDS_WEBASSEMBLY)
  })
})

test('an instance that was given up is replaced as soon as there is memory again', async () => {
  withoutMemory()
  hasMemory = true
  const { wasmEngine } = await import('../../../src/codec/zstd/zstd-wasm.js')
  wasmEngine().compressSync(Buffer.alloc(64 * 1024 * 1024), 1)
  hasMemory = false
  expect(wasmEngine).toThrow(NEEDS_WEBASSEMBLY)
  hasMemory = true
  expect(wasmEngine().decompressSync(ordinary().compressSync!(text(100)), 100)).toEqual(text(100))
})
