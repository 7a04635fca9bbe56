import { describe, expect, it } from 'vitest'
import { CopyPool } from '../../src/store/copy-pool.js'

const MIB = 1024 * 1024

describe('the pool of copies', () => {
  it('copies what it is given, of any length', () => {
    const pool = new CopyPool()
    for (const length of [0, 1, 65_536, 65_537, 2 * MIB]) {
      const value = Buffer.alloc(length, 7)
      const copy = pool.copy(value)
      value.fill(0)
      expect(copy.equals(Buffer.alloc(length, 7))).toBe(true)
      pool.release(copy)
    }
  })

  it('gives memory out again once it was released, and never before', () => {
    const pool = new CopyPool()
    const first = pool.copy(Buffer.alloc(2 * MIB, 1))
    const second = pool.copy(Buffer.alloc(2 * MIB, 2))
    expect(second.buffer).not.toBe(first.buffer)
    pool.release(first)
    expect(pool.copy(Buffer.alloc(2 * MIB - 5, 3)).buffer).toBe(first.buffer)
    expect(second.every(byte => byte === 2)).toBe(true)
  })

  it('keeps a bounded amount', () => {
    const pool = new CopyPool()
    const copies = Array.from({ length: 12 }, () => pool.copy(Buffer.alloc(4 * MIB)))
    for (const copy of copies) pool.release(copy)
    const again = copies.map(() => pool.copy(Buffer.alloc(4 * MIB)).buffer)
    expect(again.filter(buffer => copies.some(copy => copy.buffer === buffer))).toHaveLength(8)
  })

  it('takes no more than its length for a value that is too large to keep', () => {
    const copy = new CopyPool().copy(Buffer.alloc(32 * MIB + 1))
    expect(copy.buffer.byteLength).toBe(32 * MIB + 1)
  })
})
