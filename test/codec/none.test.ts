import { expect, test } from 'vitest'
import { none } from '../../src/codec/none.js'

test('gives values back as they are, in memory of their own', async () => {
  const value = Buffer.from('as it is')
  const given = [
    none().compressSync!(value),
    await none().compress(value),
    none().decompressSync!(value, value.length),
    await none().decompress(value, value.length)
  ]
  expect(given).toEqual([value, value, value, value])
  value.fill(0)
  expect(given.map(String)).toEqual(Array.from({ length: 4 }, () => 'as it is'))
})

test('has id 0 and no effort', () => {
  expect(none()).toMatchObject({ id: 0, name: 'none' })
  expect(none().effort).toBeUndefined()
})
