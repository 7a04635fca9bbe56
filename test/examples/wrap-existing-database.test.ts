import { expect, it } from 'vitest'
import { main } from '../../examples/wrap-existing-database.js'
import { printedBy } from './printed.js'

it('reads old values as they were, and stores new ones in less space than the bare database', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(result.intact).toBe(1000)
  expect(result.read).toMatchObject({ values: 1000, plain: 500 })
  expect(result.written.values).toBe(500)
  expect(result.written.byCodec.zstd).toMatchObject({ values: 500 })
  expect(result.written.ratio).toBeLessThan(0.25)
  expect(result.bytesOfNew).toBeLessThan(0.75 * result.bytesOfOld)
  expect(result.bytesOfNew).toBeGreaterThan(result.written.bytesStored)
  expect(lines).toEqual([
    `500 orders from before: ${result.bytesOfOld} bytes on disk, in LevelDB's own Snappy blocks`,
    `500 orders since: ${result.bytesOfNew} bytes on disk`,
    `written: 500 values of ${result.written.bytesIn} bytes, stored in ${result.written.bytesStored}`,
    'read back intact: 1000 of 1000, of which 500 were there before the store'
  ])
  expect(left).toEqual([])
})
