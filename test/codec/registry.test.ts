import { describe, expect, test } from 'vitest'
import { type Codec, CODEC_ID, type CodecName } from '../../src/codec/codec.js'
import { lz4 } from '../../src/codec/lz4/lz4.js'
import { codecForReading, codecForWriting, registerCodec } from '../../src/codec/registry.js'
import { zstd } from '../../src/codec/zstd/zstd.js'
import { thrownCode } from '../support/thrown-code.js'

function codecOf(properties: Partial<Record<keyof Codec, unknown>>): Codec {
  return {
    id: 130,
    name: 'own',
    compress: async (data: Uint8Array) => data,
    decompress: async (data: Uint8Array) => data,
    ...properties
  } as Codec
}

test('the ids of built-in codecs are stored with the data and never change', () => {
  expect(CODEC_ID).toEqual({ none: 0, lz4: 1, zstd: 2, tensor: 3 })
  expect(codecForReading(0).name).toBe('none')
  expect(codecForReading(1).name).toBe('lz4')
  expect(codecForReading(2).name).toBe('zstd')
  expect(codecForReading(3).name).toMatch(/^tensor/)
})

describe('registerCodec', () => {
  test.each([128, 200, 255])('makes id %i readable and writable', id => {
    const codec = codecOf({ id })
    registerCodec(codec)
    expect(codecForReading(id)).toBe(codec)
    expect(codecForWriting(codec)).toBe(codec)
  })

  test('replaces a codec under the same id', () => {
    const newer = codecOf({ id: 140 })
    registerCodec(codecOf({ id: 140 }))
    registerCodec(newer)
    expect(codecForReading(140)).toBe(newer)
  })

  test.each([0, 1, 2, 3, 127, -1, 256, 130.5, Number.NaN, '130', undefined])('refuses the id %s', id => {
    expect(thrownCode(() => registerCodec(codecOf({ id })))).toBe('CKV_INVALID_OPTION')
  })

  test.each([
    { what: 'no name', codec: codecOf({ name: undefined }) },
    { what: 'no compress', codec: codecOf({ compress: undefined }) },
    { what: 'no decompress', codec: codecOf({ decompress: 'gunzip' }) },
    { what: 'a compressSync that is no function', codec: codecOf({ compressSync: true }) },
    { what: 'a withDictionary that is null', codec: codecOf({ withDictionary: null }) },
    { what: 'workingBytes that are no number', codec: codecOf({ workingBytes: Number.NaN }) },
    { what: 'workingBytes without end', codec: codecOf({ workingBytes: Infinity }) },
    { what: 'workingBytes in text', codec: codecOf({ workingBytes: '5' }) },
    { what: 'a negative effort', codec: codecOf({ effort: -1 }) },
    { what: 'an effort above 255', codec: codecOf({ effort: 256 }) },
    { what: 'half an effort', codec: codecOf({ effort: 0.5 }) },
    { what: 'no object', codec: undefined as unknown as Codec },
    { what: 'null', codec: null as unknown as Codec }
  ])('refuses a codec with $what', ({ codec }) => {
    expect(thrownCode(() => registerCodec(codec))).toBe('CKV_INVALID_OPTION')
  })

  test.each([0, 255])('takes an effort of %i', effort => {
    registerCodec(codecOf({ id: 141, effort }))
    expect(codecForReading(141).effort).toBe(effort)
  })
})

describe('codecForReading', () => {
  test('tells a codec of a later version from one that the user did not register', () => {
    expect(thrownCode(() => codecForReading(4))).toBe('LEVEL_NOT_SUPPORTED')
    expect(() => codecForReading(127)).toThrow(/codec 127.*upgrade compressed-kv/)
    expect(thrownCode(() => codecForReading(199))).toBe('LEVEL_NOT_SUPPORTED')
    expect(() => codecForReading(199)).toThrow(/id 199.*registerCodec\(\)/)
    expect(() => codecForReading(128 + 1)).toThrow(/registerCodec\(\)/)
  })
})

describe('codecForWriting', () => {
  test.each(['none', 'lz4', 'zstd'] as const)("takes the name '%s'", name => {
    expect(codecForWriting(name).name).toBe(name)
  })

  test('takes codec objects as they are', () => {
    const strong = zstd({ level: 19 })
    expect(codecForWriting(strong)).toBe(strong)
    expect(codecForWriting(lz4())).toBe(lz4())
  })

  test.each(['gzip', '', 'LZ4', 'toString', '__proto__', 'constructor'])("refuses the name '%s'", name => {
    expect(thrownCode(() => codecForWriting(name as CodecName))).toBe('CKV_INVALID_OPTION')
  })

  test.each([null, undefined, 3, true, {}, () => 'lz4', codecOf({ compress: undefined }), codecOf({ effort: 300 })])(
    'refuses %s',
    codec => {
      expect(thrownCode(() => codecForWriting(codec as Codec))).toBe('CKV_INVALID_OPTION')
    }
  )

  test('refuses a codec that nothing could read again, because it was never registered', () => {
    expect(thrownCode(() => codecForWriting(codecOf({ id: 177 })))).toBe('LEVEL_NOT_SUPPORTED')
    expect(() => codecForWriting(codecOf({ id: 177 }))).toThrow(/'own'.*177.*registerCodec\(codec\)/)
  })

  test.each([0, 1, 2])("refuses a codec of a user's own that claims the built-in id %i", id => {
    expect(thrownCode(() => codecForWriting(codecOf({ id })))).toMatch(/CKV_INVALID_OPTION|LEVEL_NOT_SUPPORTED/)
  })
})
