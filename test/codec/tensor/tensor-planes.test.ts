import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type * as Planes from '../../../src/codec/tensor/tensor-planes.js'
import { noise } from '../../support/sample-values.js'

const SIZES = [1, 2, 4, 8]
const KERNEL = '../../../src/codec/tensor/tensor-simd.js'

describe.each(['with SIMD', 'without SIMD'])('%s', machine => {
  let planesModule: typeof Planes

  beforeAll(async () => {
    vi.resetModules()
    if (machine === 'without SIMD') vi.doMock(KERNEL, () => ({ planeKernel: () => undefined, TILE_BYTES: 65_536 }))
    planesModule = await import('../../../src/codec/tensor/tensor-planes.js')
  })
  afterAll(() => vi.doUnmock(KERNEL))

  test.each(SIZES)('plane p holds byte p of each element of %i bytes, and merging is the inverse', size => {
    const lost: number[] = []
    for (const elements of [0, 1, 15, 16, 17, 8191, 8192, 8193, 70_001]) {
      const block = noise(elements * size + 1).subarray(1)
      const planes = Array.from({ length: size }, () => Buffer.alloc(elements + 3).subarray(3))
      planesModule.splitPlanes(block, planes)
      const isSplit = planes.every((plane, p) => plane.every((byte, e) => byte === block[e * size + p]))
      const merged = Buffer.alloc(block.length + 5).subarray(5)
      planesModule.mergePlanes(planes, merged)
      if (!isSplit || !merged.equals(block)) lost.push(elements)
    }
    expect(lost).toEqual([])
  })
})

test('this machine has the kernel', async () => {
  const { planeKernel } = await import('../../../src/codec/tensor/tensor-simd.js')
  expect(planeKernel()).toBeDefined()
})
