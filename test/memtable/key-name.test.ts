import { expect, test } from 'vitest'
import { keyName, keyOfName, nameOf } from '../../src/memtable/key-name.js'
import { noise } from '../support/sample-values.js'

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

test('a name has a character for every byte, and gives the key back', () => {
  for (const key of [Buffer.alloc(0), everyByte, noise(300)]) {
    expect(keyName(key)).toHaveLength(key.length)
    expect(keyOfName(keyName(key))).toEqual(key)
  }
})

test('names sort as their keys do', () => {
  const keys = Array.from({ length: 100 }, (_, i) => noise(i % 7, i + 1))
  const byName = [...keys].sort((a, b) => (keyName(a) < keyName(b) ? -1 : keyName(a) > keyName(b) ? 1 : 0))
  expect(byName).toEqual([...keys].sort((a, b) => Buffer.compare(a, b)))
})

test.for(['', 'key', '\0', '\x7f', '\x80', 'é', 'keyé', 'ékey', '雪', '\u{1f600}', 'a\ud800b'])(
  'the name of the text %j is that of its UTF-8',
  text => {
    expect(nameOf(text)).toBe(keyName(Buffer.from(text)))
    expect(keyOfName(nameOf(text))).toEqual(Buffer.from(text))
  }
)

test('the name of bytes does not depend on what holds them', () => {
  const expected = keyName(everyByte)
  expect(nameOf(everyByte)).toBe(expected)
  expect(nameOf(new Uint8Array(everyByte))).toBe(expected)
  const amidOthers = new Uint8Array(300).fill(1)
  amidOthers.set(everyByte, 20)
  expect(nameOf(amidOthers.subarray(20, 276))).toBe(expected)
  expect(nameOf(Buffer.from(amidOthers).subarray(20, 276))).toBe(expected)
})
