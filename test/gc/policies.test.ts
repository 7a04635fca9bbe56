import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attempt } from '../../src/gc/attempt.js'
import {
  type Codec,
  CODEC_ID,
  type Gc,
  type GcDecision,
  Lz4Gc,
  lz4,
  MIN_COMPRESS_SIZE,
  NoGc,
  type StoredValue,
  zstd,
  ZstdGc
} from '../../src/index.js'
import { noise, text } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'

const LEVELS = [1, 3, 9, 19, 22]

/** A value as it lies there raw, unless said otherwise; reading it when nobody should is an error. */
function value(given: Partial<StoredValue> & { readonly bytes?: Buffer }): StoredValue {
  const { bytes, ...rest } = given
  return {
    key: Buffer.from('k'),
    tombstone: false,
    compressed: (rest.codecId ?? CODEC_ID.none) !== CODEC_ID.none,
    codecId: CODEC_ID.none,
    probe: undefined,
    expiresAt: undefined,
    rawLength: bytes?.length ?? 5000,
    storedLength: bytes?.length ?? 5000,
    raw: () => {
      if (bytes === undefined) throw new Error('It was read')
      return bytes
    },
    ...rest
  }
}

const probe = (codecId: number, effort: number) => ({ probe: { codecId, effort } })
const lz4Value = async (bytes: Buffer, more: Partial<StoredValue> = {}) =>
  value({ bytes, codecId: CODEC_ID.lz4, storedLength: (await lz4().compress(bytes)).length, ...more })
const zstdValue = async (bytes: Buffer, level: number, more: Partial<StoredValue> = {}) =>
  value({ bytes, codecId: CODEC_ID.zstd, storedLength: (await zstd({ level }).compress(bytes)).length, ...more })

/** The decision, and of a compressed form only that it is one of the value. */
async function decided(policy: Gc, stored: StoredValue): Promise<string> {
  const decision = await policy.process(stored)
  if (decision.action === 'keep' || decision.action === 'drop') return decision.action
  const { codec } = decision
  if (decision.action === 'recompress' && !(await isOf(stored, decision))) return 'other bytes, or too many'
  return `${decision.action} ${codec.name} ${codec.effort ?? 0}`
}

async function isOf(stored: StoredValue, { codec, compressed }: GcDecision & { action: 'recompress' }) {
  const restored = await codec.decompress(compressed, stored.rawLength)
  return compressed.length <= stored.storedLength * 0.9 && (await stored.raw()).equals(restored)
}

describe('Lz4Gc', () => {
  const policy = new Lz4Gc()

  it.each([
    ['a tombstone', { tombstone: true }],
    ['what is in LZ4', { codecId: CODEC_ID.lz4 }],
    ['what is in Zstandard', { codecId: CODEC_ID.zstd }],
    ["what is in a user's codec", { codecId: 200 }],
    ['what LZ4 was tried on', probe(CODEC_ID.lz4, 0)],
    ['what anything was tried on', probe(CODEC_ID.zstd, 1)],
    ['an empty value', { rawLength: 0, storedLength: 0 }],
    ['a byte less than it takes', { rawLength: MIN_COMPRESS_SIZE - 1, storedLength: MIN_COMPRESS_SIZE - 1 }]
  ])('leaves %s alone, unread', async (_, given) => {
    expect(await policy.process(value(given))).toEqual({ action: 'keep' })
  })

  it.each([MIN_COMPRESS_SIZE, MIN_COMPRESS_SIZE + 1, 4095, 4096, 100_000])(
    'compresses %i bytes of text',
    async length => {
      expect(await decided(policy, value({ bytes: text(length) }))).toBe('recompress lz4 0')
    }
  )

  it.each([MIN_COMPRESS_SIZE, 4096, 100_000])('marks %i bytes of noise as tried', async length => {
    expect(await decided(policy, value({ bytes: noise(length) }))).toBe('probed lz4 0')
  })

  it('keeps what saves 10 %, and not what saves less', async () => {
    const bytes = Buffer.concat([noise(3000), text(2000)])
    const { length } = await lz4().compress(bytes)
    const exactly = Math.ceil(length / 0.9)
    expect(await decided(policy, value({ bytes, storedLength: exactly }))).toBe('recompress lz4 0')
    expect(await decided(policy, value({ bytes, storedLength: exactly - 1 }))).toBe('probed lz4 0')
  })

  it('waits for a value that is read off the main thread', async () => {
    const bytes = text(3000)
    expect(await decided(policy, value({ bytes, raw: async () => bytes }))).toBe('recompress lz4 0')
  })

  it('throws if the value cannot be read', async () => {
    const broken = value({ raw: () => Promise.reject(new Error('damaged')) })
    await expect(policy.process(broken)).rejects.toThrow('damaged')
  })
})

/** A codec that says by its results which of its forms compressed. */
const twoForms = (workingBytes: number): Codec => ({
  id: 200,
  name: 'two forms',
  workingBytes,
  compress: async () => Buffer.from('off-thread'),
  compressSync: () => Buffer.from('here'),
  decompress: async () => Buffer.alloc(0)
})

describe('attempt', () => {
  it.each([
    [0, 4095, 'here'],
    [0, 4096, 'off-thread'],
    [24 * 1024 ** 2, 24 * 1024 - 1, 'here'],
    [24 * 1024 ** 2, 24 * 1024, 'off-thread'],
    [660 * 1024 ** 2, 32 * 1024 - 1, 'here'],
    [660 * 1024 ** 2, 32 * 1024, 'off-thread']
  ])('with a codec that needs %i bytes of memory compresses %i bytes %s', async (workingBytes, length, form) => {
    const decision = await attempt(value({ bytes: text(length) }), twoForms(workingBytes))
    expect(decision).toMatchObject({ action: 'recompress', compressed: Buffer.from(form) })
  })
})

describe('ZstdGc', () => {
  it.each(LEVELS)('of level %i leaves values alone that were tried with that level or a higher one', async level => {
    const policy = new ZstdGc({ level })
    for (const codecId of [CODEC_ID.none, CODEC_ID.lz4, CODEC_ID.zstd]) {
      for (const effort of [level, 22]) {
        expect(await policy.process(value({ codecId, ...probe(CODEC_ID.zstd, effort) }))).toEqual({ action: 'keep' })
      }
    }
  })

  it.each([
    ['a tombstone', { tombstone: true }],
    ['what is in the tensor codec', { codecId: CODEC_ID.tensor }],
    ["what is in a user's codec", { codecId: 128 }],
    ['a byte less than it takes', { rawLength: MIN_COMPRESS_SIZE - 1, codecId: CODEC_ID.lz4 }]
  ])('leaves %s alone, unread', async (_, given) => {
    expect(await new ZstdGc({ level: 22 }).process(value(given))).toEqual({ action: 'keep' })
  })

  it.each([
    ['raw', async (bytes: Buffer) => value({ bytes })],
    ['raw, found incompressible by LZ4', async (bytes: Buffer) => value({ bytes, ...probe(CODEC_ID.lz4, 0) })],
    ['in LZ4', (bytes: Buffer) => lz4Value(bytes)],
    ['raw, tried with less effort', async (bytes: Buffer) => value({ bytes, ...probe(CODEC_ID.zstd, 2) })]
  ])('tries what is %s', async (_, stored) => {
    const bytes = words(20_000)
    expect(await decided(new ZstdGc(), await stored(bytes))).toBe('recompress zstd 3')
  })

  it('tries once the values that put() compressed with Zstandard, and those that a weaker sweep tried', async () => {
    const bytes = words(60_000)
    expect(await decided(new ZstdGc(), await zstdValue(bytes, 3))).toBe('probed zstd 3')
    expect(await decided(new ZstdGc({ level: 19 }), await zstdValue(bytes, 1, probe(CODEC_ID.zstd, 1)))).toBe(
      'recompress zstd 19'
    )
    expect(await decided(new ZstdGc({ level: 1 }), await zstdValue(bytes, 19, probe(CODEC_ID.zstd, 19)))).toBe('keep')
  })

  it('saves 10 % of what is stored now, not of the value', async () => {
    const bytes = words(20_000)
    const { length } = await zstd({ level: 3 }).compress(bytes)
    const exactly = Math.ceil(length / 0.9)
    expect(await decided(new ZstdGc(), value({ bytes, codecId: 1, storedLength: exactly }))).toBe('recompress zstd 3')
    expect(await decided(new ZstdGc(), value({ bytes, codecId: 1, storedLength: exactly - 1 }))).toBe('probed zstd 3')
  })

  it.each([0, 23, -1, 2.5, NaN, Infinity, '3', null])('refuses level %s', level => {
    expect(thrownCode(() => new ZstdGc({ level: level as number }))).toBe('CKV_INVALID_OPTION')
  })
})

const OF_MIN_SIZE = [
  ['Lz4Gc', (minSize: number) => new Lz4Gc({ minSize })],
  ['ZstdGc', (minSize: number) => new ZstdGc({ minSize })]
] as const

describe.each(OF_MIN_SIZE)('minSize of %s', (_, make) => {
  it('is the shortest value that is tried', async () => {
    expect(await make(3000).process(value({ rawLength: 2999 }))).toEqual({ action: 'keep' })
    expect(await decided(make(3000), value({ bytes: text(3000) }))).toMatch('recompress')
    expect(await decided(make(100), value({ bytes: text(100) }))).toMatch('recompress')
  })

  it.each([-1, 2.5, NaN, '1', null])('is refused if it is %s', minSize => {
    expect(thrownCode(() => make(minSize as number))).toBe('CKV_INVALID_OPTION')
  })
})

it('a policy is named for what it does: only the same one continues an interrupted sweep', () => {
  const different = [
    new Lz4Gc(),
    new Lz4Gc({ minSize: 100 }),
    new NoGc(),
    new ZstdGc(),
    new ZstdGc({ level: 4 }),
    new ZstdGc({ minSize: 100 })
  ]
  expect(new Set(different.map(({ id }) => id)).size).toBe(different.length)
  expect(new ZstdGc().id).toBe(new ZstdGc({ level: 3, minSize: MIN_COMPRESS_SIZE }).id)
  expect(new Lz4Gc().id).toBe(new Lz4Gc({ minSize: MIN_COMPRESS_SIZE }).id)
})

it('NoGc keeps everything, and reads nothing', () => {
  for (const given of [{}, { tombstone: true }, { codecId: CODEC_ID.lz4 }, { rawLength: 10_000_000 }]) {
    expect(new NoGc().process()).toEqual({ action: 'keep' })
    expect((new NoGc() as Gc).process(value(given))).toEqual({ action: 'keep' })
  }
})

const shapes = fc.record({
  tombstone: fc.boolean(),
  codecId: fc.constantFrom(0, 1, 2, 3, 128, 255),
  probe: fc.option(fc.record({ codecId: fc.constantFrom(1, 2, 200), effort: fc.integer({ min: 0, max: 22 }) }), {
    nil: undefined
  }),
  expiresAt: fc.constantFrom(undefined, 1, 2 ** 47),
  length: fc.constantFrom(0, 1, 1023, 1024, 1025, 4095, 4096, 6000),
  compressible: fc.boolean(),
  share: fc.constantFrom(0.05, 0.5, 1)
})

describe('of values of every shape', () => {
  const policies: [string, Gc, (stored: StoredValue) => boolean][] = [
    ['Lz4Gc', new Lz4Gc(), ({ codecId, probe: found }) => codecId === 0 && found === undefined],
    ...[1, 3].map(level => {
      const tries: (stored: StoredValue) => boolean = ({ codecId, probe: found }) =>
        codecId <= CODEC_ID.zstd && !(found?.codecId === CODEC_ID.zstd && found.effort >= level)
      return [`ZstdGc of level ${level}`, new ZstdGc({ level }), tries] as [string, Gc, typeof tries]
    }),
    ['NoGc', new NoGc(), () => false]
  ]

  it.each(policies)('%s reads only values that it tries, and does not try them again', async (_, policy, tries) => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ length, compressible, share, ...shape }) => {
        const bytes = compressible ? text(length) : noise(length)
        let reads = 0
        const raw = () => {
          reads++
          return bytes
        }
        const stored = value({ ...shape, rawLength: length, storedLength: Math.ceil(length * share), raw })
        const decision = await policy.process(stored)
        const expected = !shape.tombstone && length >= MIN_COMPRESS_SIZE && tries(stored)
        expect(reads > 0).toBe(expected)
        expect(['recompress', 'probed'].includes(decision.action)).toBe(expected)
        expect(await again(policy, stored, decision)).toBe('keep')
      }),
      { numRuns: 150, seed: 7 }
    )
  })
})

/** What the policy says when the value lies there as it wanted it. */
async function again(policy: Gc, stored: StoredValue, decision: GcDecision): Promise<string> {
  if (decision.action === 'keep' || decision.action === 'drop') return decision.action
  const { codec } = decision
  const now =
    decision.action === 'recompress'
      ? { codecId: codec.id, compressed: true, storedLength: decision.compressed.length }
      : {}
  return (await policy.process({ ...stored, ...now, ...probe(codec.id, codec.effort ?? 0) })).action
}

/** Text of random words: Zstandard makes more of it than LZ4, and more with more effort. */
function words(length: number): Buffer {
  const source = noise(length, 99)
  const dictionary = [
    'alpha',
    'beta',
    'gamma ray',
    'delta',
    'epsilon',
    'stigma',
    'zeta',
    'eta',
    'theta',
    'iota',
    'kappa'
  ]
  let out = ''
  for (let i = 0; out.length < length; i++) out += `${dictionary[source[i]! % 11]} ${source[i]! % 7}`
  return Buffer.from(out.slice(0, length))
}
