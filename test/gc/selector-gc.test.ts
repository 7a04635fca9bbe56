import { describe, expect, it, vi } from 'vitest'
import { SelectorGc } from '../../src/gc/selector-gc.js'
import { CODEC_ID, type CodecSelector, lz4, none, type StoredValue, zstd } from '../../src/index.js'
import { noise, text } from '../support/sample-values.js'

const KEY = Buffer.from('k')
const BYTES = text(5000)

/** Raw, unless said otherwise. */
function value(given: Partial<StoredValue> = {}, bytes = BYTES): StoredValue {
  return {
    key: KEY,
    tombstone: false,
    compressed: (given.codecId ?? CODEC_ID.none) !== CODEC_ID.none,
    codecId: CODEC_ID.none,
    probe: undefined,
    expiresAt: undefined,
    rawLength: bytes.length,
    storedLength: bytes.length,
    raw: () => bytes,
    ...given
  }
}

/** A dictionary that makes of everything these bytes. */
const offer = (bytes: Uint8Array | undefined) => ({ id: 7, compress: () => bytes })

const anySize = () => 0

const failing = () => {
  throw new Error('asked')
}

describe('what sweeps by a selector do', () => {
  it.each([
    ['lz4', lz4()],
    ['zstd', zstd({ level: 5 })]
  ])('a raw value gets what is chosen for its key and bytes: %s', async (_, codec) => {
    const select = vi.fn<CodecSelector>(() => codec)
    const decision = await new SelectorGc(select, anySize).process(value())
    expect(select).toHaveBeenCalledExactlyOnceWith(KEY, BYTES)
    expect(decision).toMatchObject({ action: 'recompress', codec })
  })

  it('a raw value that the chosen codec does not make smaller is marked as tried', async () => {
    const decision = await new SelectorGc(() => 'zstd', anySize).process(value({}, noise(5000)))
    expect(decision).toMatchObject({ action: 'probed', codec: { name: 'zstd' } })
  })

  it('a raw value for which none() is chosen stays', async () => {
    expect(await new SelectorGc(none, anySize).process(value())).toEqual({ action: 'keep' })
  })

  it.each([
    ['a tombstone', { tombstone: true }],
    ['what is compressed', { codecId: CODEC_ID.lz4 }],
    ['what was tried', { probe: { codecId: CODEC_ID.lz4, effort: 0 } }]
  ])('%s stays, and nothing is chosen', async (_, given) => {
    const select = vi.fn<CodecSelector>(lz4)
    expect(await new SelectorGc(select, anySize).process(value(given))).toEqual({ action: 'keep' })
    expect(select).not.toHaveBeenCalled()
  })

  it('a raw value that is too short for the chosen codec stays', async () => {
    const policy = new SelectorGc(
      key => (key.equals(KEY) ? 'lz4' : 'zstd'),
      codec => (codec.name === 'lz4' ? 4096 : 1024)
    )
    expect(await policy.process(value({}, text(4095)))).toEqual({ action: 'keep' })
    expect(await policy.process(value({}, text(4096)))).toMatchObject({ action: 'recompress' })
    expect(await policy.process(value({ key: Buffer.from('z') }, text(1023)))).toEqual({ action: 'keep' })
    expect(await policy.process(value({ key: Buffer.from('z') }, text(1024)))).toMatchObject({ action: 'recompress' })
  })

  it('a small value moves to the dictionary, with the codec that is chosen', async () => {
    const small = value({ offer: offer(Buffer.alloc(10)) }, text(200))
    expect(await new SelectorGc(() => 'lz4', anySize).process(small)).toMatchObject({
      action: 'recompress',
      codec: { name: 'lz4' },
      dictionary: 7
    })
    const dense = value({ offer: offer(undefined) }, text(200))
    expect(
      await new SelectorGc(
        () => 'lz4',
        () => 1024
      ).process(dense)
    ).toEqual({ action: 'keep' })
  })

  it('a value of an older dictionary leaves it, with the codec that it has', async () => {
    const old = { codecId: CODEC_ID.zstd, dictionary: 6, storedLength: 50 }
    const select = vi.fn<CodecSelector>(lz4)
    const policy = new SelectorGc(select, anySize)
    const moving = value({ ...old, offer: offer(Buffer.alloc(10)) }, text(200))
    expect(await policy.process(moving)).toMatchObject({ action: 'recompress', codec: { name: 'zstd' }, dictionary: 7 })
    const leaving = value({ ...old, offer: offer(undefined) }, text(200))
    expect(await policy.process(leaving)).toMatchObject({ action: 'recompress', codec: { name: 'none' } })
    expect(select).not.toHaveBeenCalled()
  })

  it('an error of the selector is thrown', async () => {
    await expect(new SelectorGc(failing, anySize).process(value())).rejects.toThrow('asked')
  })
})
