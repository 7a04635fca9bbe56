import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { Dictionaries, Dictionary } from '../../../src/store/dictionaries/dictionaries.js'
import { dictionaryKey, encodeDictionary } from '../../../src/store/dictionaries/dictionary-record.js'
import { Gate } from '../../support/gate.js'

const STORE_ID = randomBytes(16)

function first(text: string): Dictionary {
  return new Dictionary({ id: 1, given: false, rawShare: 1, bytes: Buffer.from(text) })
}

function stored(text: string): Buffer {
  return encodeDictionary(first(text), STORE_ID)
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

it('no id is stored twice: not while one is being stored under it, and not after that', async () => {
  const dictionaries = new Dictionaries()
  const saved: string[] = []
  const gate = new Gate()
  const save = async ({ bytes }: Dictionary) => {
    await gate.wait()
    saved.push(bytes.toString())
  }
  const storing = dictionaries.store(first('used'), save)
  await expect(dictionaries.store(first('meanwhile'), save)).rejects.toThrow('There is a dictionary 1 already')
  gate.open()
  await storing
  await expect(dictionaries.store(first('after'), save)).rejects.toThrow('There is a dictionary 1 already')
  expect(saved).toEqual(['used'])
  expect(dictionaries.get(1).bytes.toString()).toBe('used')
})

it('the id of one that could not be stored is free', async () => {
  const dictionaries = new Dictionaries()
  await expect(dictionaries.store(first('refused'), () => Promise.reject(new Error('refused')))).rejects.toThrow(
    'refused'
  )
  expect(dictionaries.freeId).toBe(1)
  await dictionaries.store(first('used'), async () => {})
  expect([dictionaries.freeId, dictionaries.get(1).bytes.toString()]).toEqual([2, 'used'])
})
