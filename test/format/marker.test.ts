import { afterEach, describe, expect, test, vi } from 'vitest'
import { crc32c } from '../../src/checksum/crc32c.js'
import { decodeMarker, encodeMarker, type Marker, MARKER_KEY, newMarker } from '../../src/store/marker.js'
import { everyBitFlipped } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'

const STORE_ID = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const GUARD = Buffer.from('8a13c5520e77f0ff', 'hex')

const NEW = { storeId: STORE_ID, guard: undefined, plainValues: false, ttlUsed: false }
const NO_SWEEP = { sweep: Buffer.alloc(0), unwrapping: false }
const NO_LOG = { logExists: false, logDirty: false, applied: 0, ...NO_SWEEP }

const MARKERS: { name: string; marker: Marker; hex: string }[] = [
  {
    name: 'a store begun empty',
    marker: { ...NEW, ...NO_LOG },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 00 00000000000000 0000000000000000 0000`
  },
  {
    name: 'a guarded store',
    marker: { storeId: STORE_ID, guard: GUARD, plainValues: true, ttlUsed: false, ...NO_LOG },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 01 8a13c5520e77f0 0000000000000000 0000`
  },
  {
    name: 'a guarded store with expiries',
    marker: { storeId: STORE_ID, guard: GUARD, plainValues: true, ttlUsed: true, ...NO_LOG },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 03 8a13c5520e77f0 0000000000000000 0000`
  },
  {
    name: 'a swept store with expiries',
    marker: { storeId: STORE_ID, guard: GUARD, plainValues: false, ttlUsed: true, ...NO_LOG },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 02 8a13c5520e77f0 0000000000000000 0000`
  },
  {
    name: 'a store whose log may be ahead',
    marker: {
      ...NEW,
      logExists: true,
      logDirty: true,
      applied: 2 ** 40 + 5,
      ...NO_SWEEP
    },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 0c 00000000000000 0500000000010000 0000`
  },
  {
    name: 'a store that is being swept, and says since when its log may be ahead',
    marker: {
      ...NEW,
      logExists: true,
      logDirty: true,
      logDirtySince: 1_700_000_000_000,
      applied: 2 ** 40 + 5,
      sweep: Buffer.from('0100046c7a34206b', 'hex'),
      unwrapping: false
    },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 1c 00000000000000 0500000000010000 0800 0100046c7a34206b 0068e5cf8b010000`
  },
  {
    name: 'a store that had a dictionary',
    marker: {
      ...NEW,
      ...NO_LOG,
      newestDictionary: { id: 0x0203, crc: 0x89abcdef }
    },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 20 00000000000000 0000000000000000 0000 0302 efcdab89`
  },
  {
    name: 'a store with a dictionary that is being swept, and says since when its log may be ahead',
    marker: {
      ...NEW,
      logExists: true,
      logDirty: true,
      logDirtySince: 1_700_000_000_000,
      newestDictionary: { id: 1, crc: 7 },
      applied: 2 ** 40 + 5,
      sweep: Buffer.from('6b', 'hex'),
      unwrapping: false
    },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 3c 00000000000000 0500000000010000 0100 6b 0068e5cf8b010000 0100 07000000`
  },
  {
    name: 'a closed store with a log',
    marker: {
      ...NEW,
      logExists: true,
      logDirty: false,
      applied: 7,
      ...NO_SWEEP
    },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 04 00000000000000 0700000000000000 0000`
  },
  {
    name: 'a store that is being swept',
    marker: {
      ...NEW,
      ...NO_LOG,
      sweep: Buffer.from('0100046c7a34206b', 'hex')
    },
    hex: `636b766d0100 0000 ${STORE_ID.toString('hex')} 00 00000000000000 0000000000000000 0800 0100046c7a34206b`
  },
  {
    name: 'a store that is being unwrapped',
    marker: {
      ...NEW,
      ...NO_LOG,
      sweep: Buffer.from('k'),
      unwrapping: true
    },
    hex: `636b766d0100 0100 ${STORE_ID.toString('hex')} 00 00000000000000 0000000000000000 0100 6b`
  }
]

/** The marker of a guarded store with bytes replaced, and a right checksum. */
function intact(at: number, bytes: readonly number[], appended: readonly number[] = []): Buffer {
  const body = encodeMarker(MARKERS[1]!.marker).subarray(0, -4)
  const changed = Buffer.concat([body, Buffer.from(appended)])
  changed.set(bytes, at)
  return withChecksum(changed)
}

function withChecksum(body: Buffer): Buffer {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(crc32c(body))
  return Buffer.concat([body, checksum])
}

function codeOf(bytes: Buffer) {
  return thrownCode(() => decodeMarker(bytes))
}

test('the marker lies under a reserved key', () => {
  expect(MARKER_KEY.toString('hex')).toBe(`ff636b7600${Buffer.from('marker').toString('hex')}`)
})

describe.each(MARKERS)('the marker of $name', ({ marker, hex }) => {
  const stored = encodeMarker(marker)

  test('is stored as the format says', () => {
    expect(stored).toEqual(withChecksum(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
  })

  test('comes back', () => {
    expect(decodeMarker(stored)).toEqual(marker)
  })

  test('is corrupt with any bit flipped', () => {
    for (const { bit, flipped } of everyBitFlipped(stored))
      expect(codeOf(flipped), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
  })

  test('is corrupt when cut anywhere, or when bytes follow', () => {
    for (let length = 0; length < stored.length; length++) {
      expect(codeOf(stored.subarray(0, length)), `${length} bytes`).toBe('LEVEL_CORRUPTION')
    }
    expect(codeOf(Buffer.concat([stored, Buffer.of(0)]))).toBe('LEVEL_CORRUPTION')
  })
})

describe('an intact marker', () => {
  test.each([0, 2, 255, 256])('of format version %i is not supported', version => {
    expect(codeOf(intact(4, [version & 0xff, version >>> 8]))).toBe('LEVEL_NOT_SUPPORTED')
  })

  test.each(Array.from({ length: 15 }, (_, n) => n + 1))('with feature bit %i is not supported', bit => {
    const features = 1 << bit
    expect(codeOf(intact(6, [features & 0xff, features >>> 8]))).toBe('LEVEL_NOT_SUPPORTED')
  })

  test.each([
    ['a later version', [2, 0, 2, 0]],
    ['later features', [1, 0, 6, 0]]
  ])('of %s is not taken for that of an unfinished backup, which is to be cleared', (_, versionAndFeatures) => {
    expect(() => decodeMarker(intact(4, versionAndFeatures))).toThrow(/upgrade compressed-kv/)
  })

  test.each([64, 128])('with flag %i is not supported', flag => {
    expect(codeOf(intact(24, [flag | 1]))).toBe('LEVEL_NOT_SUPPORTED')
    expect(() => decodeMarker(intact(24, [flag | 1]))).toThrow(/upgrade compressed-kv/)
  })

  test('whose sweep is as long as it says is read with it', () => {
    expect(decodeMarker(intact(40, [3, 0], [7, 8, 9]))).toEqual({ ...MARKERS[1]!.marker, sweep: Buffer.of(7, 8, 9) })
  })

  test.each([0, 2, 4, 0xffff])('of 3 bytes of sweep that claims %i is corrupt', claimed => {
    expect(codeOf(intact(40, [claimed & 0xff, claimed >>> 8], [7, 8, 9]))).toBe('LEVEL_CORRUPTION')
  })

  test.each([[], [6, 0, 0, 0, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0, 0, 0]])(
    'that says in %j since when its log may be ahead, is corrupt',
    (...bytes) => {
      expect(codeOf(intact(24, [29], bytes))).toBe('LEVEL_CORRUPTION')
    }
  )

  test('with a number that no log and no clock comes to is corrupt', () => {
    const above = [0, 0, 0, 0, 0, 0, 0x20, 0] // 2^53
    expect(codeOf(intact(32, above))).toBe('LEVEL_CORRUPTION')
    expect(codeOf(intact(24, [29], above))).toBe('LEVEL_CORRUPTION')
    expect(decodeMarker(intact(32, [255, 255, 255, 255, 255, 255, 0x1f, 0])).applied).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('too short for what every marker has is corrupt', () => {
    const marker = encodeMarker(MARKERS[1]!.marker)
    for (let length = 0; length < 42; length++) {
      expect(codeOf(withChecksum(marker.subarray(0, length))), `${length} bytes`).toBe('LEVEL_CORRUPTION')
    }
  })

  test('with another magic is corrupt', () => {
    expect(codeOf(intact(0, [0x43]))).toBe('LEVEL_CORRUPTION')
  })

  test('that says plain values are there, but has no guard to tell them by, is corrupt', () => {
    expect(codeOf(intact(25, [0, 0, 0, 0, 0, 0, 0]))).toBe('LEVEL_CORRUPTION')
  })

  test('of a store begun empty gives no guard, however its bytes are come by', () => {
    expect(decodeMarker(intact(24, [0, 0, 0, 0, 0, 0, 0, 0])).guard).toBeUndefined()
    expect(decodeMarker(intact(24, [0, 0, 0, 0, 0, 0, 0, 1])).guard?.toString('hex')).toBe('00000000000001ff')
  })
})

test('a decoded marker shares no memory with the stored bytes', () => {
  const given = { ...MARKERS[1]!.marker, sweep: Buffer.from('0100046c7a34206b', 'hex') }
  const stored = encodeMarker(given)
  const marker = decodeMarker(stored)
  stored.fill(0)
  expect(marker).toEqual(given)
})

describe('a new marker', () => {
  afterEach(() => {
    vi.doUnmock('node:crypto')
    vi.resetModules()
  })

  test('has an id of its own, and a guard where plain values are', () => {
    const [a, b] = [newMarker(true), newMarker(true)]
    expect(a.storeId).toHaveLength(16)
    expect(a.storeId).not.toEqual(b.storeId)
    expect(a.guard).toHaveLength(8)
    expect(a.guard!.at(-1)).toBe(0xff)
    expect(a.guard).not.toEqual(b.guard)
    expect(a).toMatchObject({ plainValues: true, ttlUsed: false })
    expect(newMarker(false)).toMatchObject({ guard: undefined, plainValues: false, ttlUsed: false })
  })

  test('never has a guard of zeros, whatever chance gives: those stand for none', async () => {
    const dice = [Buffer.alloc(7), Buffer.alloc(7), Buffer.of(0, 0, 0, 0, 0, 0, 1)]
    vi.resetModules()
    vi.doMock('node:crypto', () => ({
      randomBytes: (size: number) => (size === 7 ? dice.shift() : Buffer.alloc(size))
    }))
    const mocked = await import('../../src/store/marker.js')
    expect(mocked.newMarker(true).guard?.toString('hex')).toBe('00000000000001ff')
    expect(dice).toHaveLength(0)
  })
})
