import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { Dictionaries, Dictionary } from '../../../src/store/dictionaries/dictionaries.js'
import { dictionaryKey, encodeDictionary } from '../../../src/store/dictionaries/dictionary-record.js'

const STORE_ID = randomBytes(16)

function stored(text: string): Buffer {
  const dictionary = new Dictionary({ id: 1, given: false, rawShare: 1, bytes: Buffer.from(text) })
  return encodeDictionary(dictionary, STORE_ID)
}

it('of two dictionaries under one id in a log the later one counts: the backend had refused the first', () => {
  const dictionaries = new Dictionaries()
  dictionaries.learn(dictionaryKey(1), stored('refused'), STORE_ID)
  dictionaries.learn(dictionaryKey(1), stored('used'), STORE_ID)
  expect(dictionaries.get(1).bytes.toString()).toBe('used')
})

it('a later one that is damaged is not replaced by the one before', () => {
  const dictionaries = new Dictionaries()
  dictionaries.learn(dictionaryKey(1), stored('refused'), STORE_ID)
  const damaged = stored('used')
  damaged[30]! ^= 1
  dictionaries.learn(dictionaryKey(1), damaged, STORE_ID)
  expect(() => dictionaries.get(1)).toThrow('dictionary 1 is damaged')
})
