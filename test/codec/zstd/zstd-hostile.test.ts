import { describe, expect, test } from 'vitest'
import { CODEC_ID } from '../../../src/codec/codec.js'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { NO_GUARD } from '../../../src/envelope/guard.js'
import { sealCompressed } from '../../../src/envelope/seal.js'
import { CompressedKvError } from '../../../src/errors.js'
import { Dictionaries } from '../../../src/store/dictionaries/dictionaries.js'
import { DEFAULTS } from '../../../src/store/options/options.js'
import { Unsealer } from '../../../src/store/reading/unsealer.js'
import { Counters } from '../../../src/store/stats.js'
import { noise, text } from '../../support/sample-values.js'
import { rejectedCode } from '../../support/thrown-code.js'
import { boundedMemory } from '../bounded-memory.js'
import { frame, rawBlock, rleBlock, WINDOW_128_KIB } from './zstd-parts.js'

const codec = zstd()
const GIB = 1024 ** 3

/** How the codec ends on and off the thread: the codes of its own errors, 'decoder' for those of the decoder behind it. */
async function outcomes(data: Buffer, rawLength: number) {
  const on = (async () => codec.decompressSync!(data, rawLength))()
  const off = codec.decompress(data, rawLength)
  const results = await Promise.allSettled([on, off])
  return results.map(result => {
    if (result.status === 'fulfilled') return result.value.length
    return result.reason instanceof CompressedKvError ? result.reason.code : 'decoder'
  })
}

/** Refused from the headers alone. */
const MEASURED = ['LEVEL_CORRUPTION', 'LEVEL_CORRUPTION']
/** Refused by the WebAssembly decoder, which stops at the raw length. The store makes LEVEL_CORRUPTION of it. */
const STOPPED = ['decoder', 'decoder']

/** Runs of 128 KiB that unfold to `bytes`, four bytes of frame each. */
function bomb(header: readonly number[], bytes: number): Buffer {
  return frame(
    header,
    Array.from({ length: bytes / (128 * 1024) }, () => rleBlock(128 * 1024))
  )
}

describe('memory stays bounded for', () => {
  const small = text(1000)

  test('a header that claims gigabytes, against a small raw length', async () => {
    const lying = frame([0xc0, WINDOW_128_KIB, 0, 0, 0, 0, 1, 0, 0, 0], [rleBlock(1000)])
    expect(await boundedMemory(() => outcomes(lying, 1000))).toEqual(MEASURED)
  })

  test('an envelope that claims gigabytes of a small frame', async () => {
    const sized = Buffer.from(codec.compressSync!(small))
    const unsized = frame([0, WINDOW_128_KIB], [rleBlock(1000)])
    expect(await boundedMemory(() => outcomes(sized, 4 * GIB - 1))).toEqual(MEASURED)
    expect(await boundedMemory(() => outcomes(unsized, 4 * GIB - 1))).toEqual(MEASURED)
  })

  test('header and envelope that agree on gigabytes which the blocks cannot hold', async () => {
    const lying = frame([0xa0, 0xff, 0xff, 0xff, 0xff], [rawBlock(small)])
    expect(await boundedMemory(() => outcomes(lying, 4 * GIB - 1))).toEqual(MEASURED)
  })

  test('a frame that unfolds to 8 GiB, against a small raw length', async () => {
    const runs = bomb([0, WINDOW_128_KIB], 8 * GIB)
    expect(await boundedMemory(() => outcomes(runs, 1000))).toEqual(STOPPED)
  })

  test('a frame that claims a small content size and unfolds to 2 GiB', async () => {
    const runs = bomb([0x60, 0xe8, 0x02], 2 * GIB)
    expect(await boundedMemory(() => outcomes(runs, 1000))).toEqual(STOPPED)
  })

  test.each([20, 27])('a window of 2^%i bytes around a small value', async exponent => {
    const windowed = frame([0, (exponent - 10) << 3], [rleBlock(1000)])
    expect(await boundedMemory(() => outcomes(windowed, 1000))).toEqual([1000, 1000])
  })

  test.each([31, 41])('a window of 2^%i bytes, which no decoder here accepts', async exponent => {
    const windowed = frame([0, (exponent - 10) << 3], [rleBlock(1000)])
    expect(await boundedMemory(() => outcomes(windowed, 1000))).toEqual(STOPPED)
  })
})

describe('through the store, the errors are typed:', () => {
  const unsealer = new Unsealer(
    { ...DEFAULTS, offThreadSize: 512 },
    NO_GUARD,
    new Dictionaries(),
    false,
    new Counters()
  )

  test.each([
    { thread: 'on', rawLength: 500 },
    { thread: 'off', rawLength: 1000 }
  ])('a frame that unfolds to gigabytes $thread the thread', async ({ rawLength }) => {
    const runs = bomb([0, WINDOW_128_KIB], 2 * GIB)
    const opened = unsealer.open(
      sealCompressed(CODEC_ID.zstd, runs, rawLength, { guard: NO_GUARD, mayOmitChecksum: false })!
    )
    const restore = async () => unsealer.value(opened)
    expect(await boundedMemory(() => rejectedCode(restore()))).toBe('LEVEL_CORRUPTION')
  })
})

describe('a raw length that differs from the frame', () => {
  test.each([999, 1001, 0])('%i instead of 1000 is refused', async rawLength => {
    const refusals = [...MEASURED, ...STOPPED]
    expect(await outcomes(Buffer.from(codec.compressSync!(text(1000))), rawLength)).toEqual(MEASURED)
    for (const unsized of [
      Buffer.from(await codec.compress(text(1000))),
      frame([0, WINDOW_128_KIB], [rleBlock(1000)])
    ]) {
      for (const outcome of await outcomes(unsized, rawLength)) expect(refusals).toContain(outcome)
    }
  })
})

describe('what only the decoder can see, it refuses:', () => {
  test('a frame that needs a dictionary', async () => {
    expect(await outcomes(frame([0x61, 0x77, 0xe8, 0x02], [rleBlock(1000)]), 1000)).toEqual(STOPPED)
  })

  test("a frame's own checksum that is wrong", async () => {
    expect(await outcomes(frame([0x64, 0xe8, 0x02], [rleBlock(1000)], true), 1000)).toEqual(STOPPED)
  })
})

test('a damaged frame never restores to another length, nor brings the process down', async () => {
  const value = Buffer.concat([text(200), noise(100)])
  const seen = new Set<unknown>()
  for (const whole of [Buffer.from(codec.compressSync!(value)), Buffer.from(await codec.compress(value))]) {
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0xff
      for (const outcome of await outcomes(damaged, value.length)) seen.add(outcome)
    }
  }
  expect(seen).toEqual(new Set([value.length, 'LEVEL_CORRUPTION', 'decoder']))
})
