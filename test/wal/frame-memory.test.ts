import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES } from '../../src/wal/format/format.js'
import { FrameMemory } from '../../src/wal/writing/frame-memory.js'

const BLOCK_BYTES = 64 * 1024
const SLAB_BYTES = 1024 * 1024

function endOf({ byteOffset, length }: Buffer): number {
  return byteOffset + length
}

/** Frames as long as they can be, until one lies in other memory: that one is last. */
function fillSlab(memory: FrameMemory): Buffer[] {
  const frames = [memory.take(0)]
  for (;;) {
    const last = frames.at(-1)!
    memory.keep(last, last.length)
    frames.push(memory.take(0))
    if (frames.at(-1)!.buffer !== last.buffer) return frames
  }
}

describe('memory of frames', () => {
  test('holds a block and its header', () => {
    expect(new FrameMemory(BLOCK_BYTES).take(0)).toHaveLength(FRAME_HEADER_BYTES + BLOCK_BYTES)
  })

  test('lies behind what the frame before keeps', () => {
    const memory = new FrameMemory(BLOCK_BYTES)
    const first = memory.take(0)
    memory.keep(first, 1000)
    const second = memory.take(0)
    expect(second.buffer).toBe(first.buffer)
    expect(second.byteOffset).toBe(first.byteOffset + 1000)
  })

  test('of a frame that keeps nothing goes to the next', () => {
    const memory = new FrameMemory(BLOCK_BYTES)
    const first = memory.take(0)
    memory.keep(first, 0)
    expect(memory.take(0).byteOffset).toBe(first.byteOffset)
  })

  test('is as large as a larger record needs, also behind another frame', () => {
    const memory = new FrameMemory(BLOCK_BYTES)
    memory.keep(memory.take(0), 100)
    const large = memory.take(300_000)
    expect(large).toHaveLength(FRAME_HEADER_BYTES + 300_000)
    memory.keep(large, large.length)
    expect(memory.take(0).byteOffset).toBe(endOf(large))
  })

  test('of a record that is larger than what is allocated at once is its own, and the others go on where they were', () => {
    const memory = new FrameMemory(BLOCK_BYTES)
    const first = memory.take(0)
    memory.keep(first, 100)
    const huge = memory.take(SLAB_BYTES)
    expect(huge).toHaveLength(FRAME_HEADER_BYTES + SLAB_BYTES)
    expect(huge.buffer).not.toBe(first.buffer)
    memory.keep(huge, huge.length)
    memory.release(huge)
    expect(memory.take(0).byteOffset).toBe(100)
  })

  test('is used again once every frame in it is released, and not before', () => {
    const memory = new FrameMemory(BLOCK_BYTES)
    const frames = fillSlab(memory)
    const slab = frames[0]!.buffer
    const [last, ...others] = frames.slice(0, -1)
    for (const frame of others) memory.release(frame)
    const second = fillSlab(memory)
    expect(second.map(({ buffer }) => buffer)).not.toContain(slab)
    memory.release(last!)
    expect(fillSlab(memory).at(-1)!.buffer).toBe(slab)
  })

  test('is allocated for blocks of any size', () => {
    const memory = new FrameMemory(4 * SLAB_BYTES)
    expect(memory.take(0)).toHaveLength(FRAME_HEADER_BYTES + 4 * SLAB_BYTES)
  })

  test('that is kept for later is bounded', () => {
    const memory = new FrameMemory(BLOCK_BYTES)
    const taken: Buffer[] = []
    for (let i = 0; i < 40; i++) taken.push(...fillSlab(memory))
    const slabs = new Set(taken.map(({ buffer }) => buffer))
    for (const frame of taken) memory.release(frame)
    let reused = 0
    for (let i = 0; i < 60; i++) if (slabs.has(fillSlab(memory).at(-1)!.buffer)) reused++
    expect(reused).toBe(16)
  })
})
