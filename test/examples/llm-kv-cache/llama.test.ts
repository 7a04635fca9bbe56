import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../../examples/llm-kv-cache/checkpoint.js'
import { Llama } from '../../../examples/llm-kv-cache/llama.js'
import { Tokenizer } from '../../../examples/llm-kv-cache/tokenizer.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { logitsOf } from './second-model.js'
import { TINY, writeTinyModel } from './tiny-model.js'

const directory = temporaryDirectory()
const { checkpoint, tokenizer, weights } = writeTinyModel(directory)

describe('the model', () => {
  it('computes what a second one does that keeps no keys and values', () => {
    const model = new Llama(readCheckpoint(checkpoint))
    const state = model.newState()
    const tokens = [1, 270, 5, 299, 270, 42]
    for (const [position, token] of tokens.entries()) {
      const logits = model.forward(token, position, state)
      const expected = logitsOf(weights, tokens.slice(0, position + 1))
      expect(logits).toHaveLength(TINY.vocabulary)
      const furthest = Math.max(...expected.map((logit, i) => Math.abs(logit - logits[i]!)))
      expect(furthest).toBeLessThan(1e-4 * Math.max(...expected.map(Math.abs)))
    }
  })

  it('takes the embedding for a classifier where there is none', () => {
    const shared = join(directory, 'shared.bin')
    const bytes = readFileSync(checkpoint)
    bytes.writeInt32LE(TINY.vocabulary, 20)
    writeFileSync(shared, bytes.subarray(0, bytes.length - 4 * TINY.vocabulary * TINY.dim))
    const { embedding, classifier } = readCheckpoint(shared)
    expect(classifier).toBe(embedding)
  })

  it('refuses a file that is cut off, or something else', () => {
    const bytes = readFileSync(checkpoint)
    const other = join(directory, 'other.bin')
    writeFileSync(other, bytes.subarray(0, -4))
    expect(() => readCheckpoint(other)).toThrow('ends in the middle')
    writeFileSync(other, bytes.subarray(0, 27))
    expect(() => readCheckpoint(other)).toThrow('too short')
    writeFileSync(other, Buffer.alloc(1000, 'text'))
    expect(() => readCheckpoint(other)).toThrow('no checkpoint')
  })
})

describe('the tokenizer', () => {
  const { encode, decode } = {
    encode: (text: string) => new Tokenizer(tokenizer, TINY.vocabulary).encode(text),
    decode: (tokens: number[]) => new Tokenizer(tokenizer, TINY.vocabulary).decode(tokens)
  }

  it('merges the best pair first, and begins with the token for that', () => {
    expect(encode('then')).toEqual([1, 290, 273]) // ' the', 'n'
    expect(encode('hand')).toEqual([1, 259, 267, 294]) // ' ', 'h', 'and'
    expect(encode('')).toEqual([1, 259])
  })

  it('spells what it has no token for in bytes, and reads them again', () => {
    expect(encode('é')).toEqual([1, 259, 3 + 0xc3, 3 + 0xa9])
    expect(decode(encode('the cat, the sun and Zoë.').slice(1))).toBe(' the cat, the sun and Zoë.')
  })
})
