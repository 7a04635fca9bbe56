import { describe, expect, it } from 'vitest'
import { BufferPool } from '../../src/codec/buffer-pool.js'

const MIB = 1024 * 1024

describe('a pool of buffers', () => {
  it('gives as much memory as is asked for', () => {
    const pool = new BufferPool(32 * MIB)
    for (const length of [0, 1, 65_536, 65_537, 2 * MIB]) expect(pool.take(length)).toHaveLength(length)
  })

  it('gives memory out again once it was released, and never before', () => {
    const pool = new BufferPool(32 * MIB)
    const first = pool.take(2 * MIB)
    const second = pool.take(2 * MIB)
    expect(second.buffer).not.toBe(first.buffer)
    pool.release(first)
    expect(pool.take(2 * MIB - 5).buffer).toBe(first.buffer)
    expect(pool.take(2 * MIB).buffer).not.toBe(second.buffer)
  })

  it('takes back only what it gave, and only once', () => {
    const pool = new BufferPool(32 * MIB)
    const taken = pool.take(100_000)
    const foreign = Buffer.allocUnsafeSlow(128 * 1024)
    pool.release(taken)
    for (const buffer of [taken, taken.subarray(0), foreign]) pool.release(buffer)
    expect(pool.take(100_000).buffer).toBe(taken.buffer)
    const next = pool.take(100_000).buffer
    expect([taken.buffer, foreign.buffer]).not.toContain(next)
  })

  it('keeps a bounded amount', () => {
    const pool = new BufferPool(32 * MIB)
    const buffers = Array.from({ length: 12 }, () => pool.take(4 * MIB))
    for (const buffer of buffers) pool.release(buffer)
    const again = buffers.map(() => pool.take(4 * MIB).buffer)
    expect(again.filter(memory => buffers.some(({ buffer }) => buffer === memory))).toHaveLength(8)
  })

  it('allocates no more than is asked for if that is too large to keep', () => {
    expect(new BufferPool(32 * MIB).take(32 * MIB + 1).buffer.byteLength).toBe(32 * MIB + 1)
  })
})
