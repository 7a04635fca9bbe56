import { expect, test } from 'vitest'
import { none } from '../../src/codec/none.js'

test('gives values back as they are', async () => {
  const value = Buffer.from('as it is')
  expect(none().compressSync!(value)).toBe(value)
  expect(await none().compress(value)).toBe(value)
  expect(none().decompressSync!(value, value.length)).toBe(value)
  expect(await none().decompress(value, value.length)).toBe(value)
})

test('has id 0 and no effort', () => {
  expect(none()).toMatchObject({ id: 0, name: 'none' })
  expect(none().effort).toBeUndefined()
})
