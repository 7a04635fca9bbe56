import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../support/seeded-random.js'

export const TINY = { dim: 16, hiddenDim: 24, layers: 2, heads: 4, kvHeads: 2, vocabulary: 300, context: 96 } as const

/** Numbers of each weight, in the order of the file; what is there once for each layer is told apart. */
const { dim, hiddenDim, layers, heads, kvHeads, vocabulary, context } = TINY
const kvDim = (kvHeads * dim) / heads
const SIZES: readonly [name: string, count: number, size: number][] = [
  ['embedding', 1, vocabulary * dim],
  ['attentionNorm', layers, dim],
  ['wq', layers, dim * dim],
  ['wk', layers, kvDim * dim],
  ['wv', layers, kvDim * dim],
  ['wo', layers, dim * dim],
  ['ffnNorm', layers, dim],
  ['w1', layers, hiddenDim * dim],
  ['w2', layers, dim * hiddenDim],
  ['w3', layers, hiddenDim * dim],
  ['finalNorm', 1, dim],
  ['positions', 1, (context * dim) / heads],
  ['classifier', 1, vocabulary * dim]
]

/** Weights by name, for each layer; random from -1 to 1. */
export type Weights = Record<string, number[][]>

/** Writes a random model that does not share its classifier, and a tokenizer of bytes and a few words. */
export function writeTinyModel(directory: string): { checkpoint: string; tokenizer: string; weights: Weights } {
  const next = seededRandom(7)
  const weights: Weights = {}
  const numbers: number[] = []
  for (const [name, count, size] of SIZES) {
    weights[name] = Array.from({ length: count }, () => Array.from({ length: size }, () => Math.fround(next() * 2 - 1)))
    for (const part of weights[name]) for (const number of part) numbers.push(number)
  }
  const header = [dim, hiddenDim, layers, heads, kvHeads, -vocabulary, context]
  const checkpoint = join(directory, 'tiny.bin')
  writeFileSync(
    checkpoint,
    Buffer.concat([Buffer.from(Int32Array.from(header).buffer), Buffer.from(Float32Array.from(numbers).buffer)])
  )
  const tokenizer = join(directory, 'tokenizer.bin')
  writeFileSync(tokenizer, tokenizerBytes(tokens()))
  return { checkpoint, tokenizer, weights }
}

function tokens(): { text: string; score: number }[] {
  const special = ['<unk>', '\n<s>\n', '\n</s>\n']
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  const characters = Array.from(' abcdefghijklmnopqrstuvwxyz.')
  const words = ['th', 'he', 'the', ' the', 'in', 'er', 'an', 'and', ' and', ' a', 'is', 'ed', 'on']
  return [...special, ...bytes, ...characters, ...words].map((text, i) => ({
    text,
    score: i < 287 ? 0 : words.length - (i - 287)
  }))
}

function tokenizerBytes(all: readonly { text: string; score: number }[]): Buffer {
  const parts = [Buffer.from(Uint32Array.of(10).buffer)]
  for (const { text, score } of all) {
    const head = Buffer.alloc(8)
    head.writeFloatLE(score, 0)
    head.writeInt32LE(Buffer.byteLength(text), 4)
    parts.push(head, Buffer.from(text))
  }
  return Buffer.concat(parts)
}
