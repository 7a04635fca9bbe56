import { TINY, type Weights } from './tiny-model.js'

const { dim, layers, heads, kvHeads } = TINY
const headSize = dim / heads

const times = (matrix: readonly number[], x: readonly number[]) =>
  Array.from({ length: matrix.length / x.length }, (_, row) =>
    x.reduce((sum, v, i) => sum + v * matrix[row * x.length + i]!, 0)
  )
const plus = (a: readonly number[], b: readonly number[]) => a.map((v, i) => v + b[i]!)
const norm = (x: readonly number[], weight: readonly number[]) => {
  const rms = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + 1e-5)
  return x.map((v, i) => (v / rms) * weight[i]!)
}
const softmax = (x: readonly number[]) => {
  const e = x.map(v => Math.exp(v))
  const sum = e.reduce((a, b) => a + b)
  return e.map(v => v / sum)
}
const head = (x: readonly number[], n: number) => x.slice(n * headSize, (n + 1) * headSize)

/** Pairs of numbers as complex ones, turned. */
function rope(x: readonly number[], position: number): number[] {
  return x.map((v, i) => {
    const even = i - (i % 2)
    const angle = position / 10_000 ** ((even % headSize) / headSize)
    return i % 2 === 0
      ? v * Math.cos(angle) - x[i + 1]! * Math.sin(angle)
      : x[i - 1]! * Math.sin(angle) + v * Math.cos(angle)
  })
}

/** The logits behind a sequence, written once more from the papers: all positions at once, in double precision, nothing kept. */
export function logitsOf(w: Weights, tokens: readonly number[]): number[] {
  let x = tokens.map(token => w['embedding']![0]!.slice(token * dim, (token + 1) * dim))
  for (let n = 0; n < layers; n++) {
    const of = (name: string) => w[name]![n]!
    const input = x.map(v => norm(v, of('attentionNorm')))
    const q = input.map((v, t) => rope(times(of('wq'), v), t))
    const k = input.map((v, t) => rope(times(of('wk'), v), t))
    const v = input.map(each => times(of('wv'), each))
    x = x.map((stream, t) => {
      const mixed = Array.from({ length: heads }, (_, h) => {
        const group = Math.floor(h / (heads / kvHeads))
        const scores = k
          .slice(0, t + 1)
          .map(key => head(q[t]!, h).reduce((sum, a, i) => sum + a * head(key, group)[i]!, 0))
        const shares = softmax(scores.map(score => score / Math.sqrt(headSize)))
        return shares.map((share, s) => head(v[s]!, group).map(each => share * each)).reduce(plus)
      })
      return plus(stream, times(of('wo'), mixed.flat()))
    })
    x = x.map(stream => {
      const inner = norm(stream, of('ffnNorm'))
      const up = times(of('w3'), inner)
      const gated = times(of('w1'), inner).map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!)
      return plus(stream, times(of('w2'), gated))
    })
  }
  return times(w['classifier']![0]!, norm(x.at(-1)!, w['finalNorm']![0]!))
}
