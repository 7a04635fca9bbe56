import { describe, expect, it, vi } from 'vitest'
import { type Codec, registerCodec } from '../../src/index.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { deflate } from '../support/user-codecs.js'

/** What TypeScript would not let a codec return. Each is much shorter than the values. */
const outputs: [string, unknown][] = [
  ['a string', 'abc'],
  ['an array', [1, 2, 3]],
  ['a Uint16Array', Uint16Array.from([1, 2, 3])],
  ['an ArrayBuffer', new ArrayBuffer(3)],
  ['an object with a length', { length: 3 }]
]

function returning(output: Uint8Array): Codec {
  const codec = { ...deflate, id: 240, name: 'no bytes', compress: async () => output, compressSync: () => output }
  registerCodec(codec)
  return codec
}

describe.each(outputs)('a codec that returns %s', (_, output) => {
  it.each([
    ['compressSync', text(5000)],
    ['compress', text(200_000)]
  ])('from %s: the value is stored raw, counted as failed, told and readable', async (_method, value) => {
    const codec = returning(output as Uint8Array)
    const { store } = await openStore({ codec })
    const told = vi.fn<(event: object) => void>()
    store.on('codecError', told)
    await store.put('k', value)
    expect((await store.get('k'))?.equals(value)).toBe(true)
    expect(store.getSync('k')?.equals(value)).toBe(true)
    const { raw, written, lastCodecError } = store.stats()
    expect(raw).toEqual({ codecNone: 0, belowMinSize: 0, incompressible: 0, looksIncompressible: 0, codecFailed: 1 })
    expect(Object.keys(written.byCodec)).toEqual(['none'])
    expect(lastCodecError).toBeInstanceOf(Error)
    expect(told).toHaveBeenCalledExactlyOnceWith({ codec: codec.name, error: lastCodecError })
  })
})
