import * as fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { crc32c, crc32cTable } from '../../src/checksum/crc32c.js'
import { noise } from '../support/sample-values.js'

// RFC 3720, B.4, and the check value of the CRC catalogues.
const VECTORS = [
  { name: '32 bytes of zeros', bytes: Buffer.alloc(32), crc: 0x8a9136aa },
  { name: '32 bytes of ones', bytes: Buffer.alloc(32, 0xff), crc: 0x62a8ab43 },
  { name: '32 bytes counting up', bytes: Buffer.from(Array.from({ length: 32 }, (_, i) => i)), crc: 0x46dd794e },
  { name: '32 bytes counting down', bytes: Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), crc: 0x113fdb5c },
  { name: 'the ASCII digits 1 to 9', bytes: Buffer.from('123456789'), crc: 0xe3069283 },
  { name: 'nothing', bytes: Buffer.alloc(0), crc: 0 }
]

describe.each([
  { name: 'crc32c', checksum: crc32c },
  { name: 'crc32cTable', checksum: crc32cTable }
])('$name', ({ checksum }) => {
  test.each(VECTORS)('of $name is as published', ({ bytes, crc }) => {
    expect(checksum(bytes)).toBe(crc)
  })

  test('continued at any place gives the checksum of the whole', () => {
    const bytes = noise(300)
    const whole = checksum(bytes)
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(checksum(bytes.subarray(cut), checksum(bytes.subarray(0, cut))), `cut at ${cut}`).toBe(whole)
    }
  })
})

test('the native package and the table agree on every length from 0 to 300, at every alignment', () => {
  const bytes = noise(308)
  for (let length = 0; length <= 300; length++) {
    const part = bytes.subarray(length % 8, (length % 8) + length)
    expect(crc32c(part), `${length} bytes`).toBe(crc32cTable(part))
    expect(crc32c(part, 0xdeadbeef), `${length} bytes, continued`).toBe(crc32cTable(part, 0xdeadbeef))
  }
})

test('the native package and the table agree on any bytes and any checksum before them', () => {
  const previous = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), previous, (bytes, before) => {
      expect(crc32c(bytes, before)).toBe(crc32cTable(bytes, before))
    })
  )
})

describe('without the native package', () => {
  afterEach(() => {
    vi.doUnmock('node:module')
    vi.resetModules()
  })

  test('long inputs are summed by the table', async () => {
    vi.resetModules()
    vi.doMock('node:module', () => ({
      default: {
        createRequire: () => (name: string) => {
          throw new Error(`Cannot find module '${name}'`)
        }
      }
    }))
    const alone = await import('../../src/checksum/crc32c.js')
    const bytes = noise(4096)
    expect(alone.crc32c(bytes)).toBe(crc32c(bytes))
  })
})
