import type { Checkpoint, LayerWeights } from './checkpoint.js'

/** The keys and values of a sequence: a pair of arrays for each layer, each `[context, KV heads, head size]`. */
export interface KvState {
  readonly keys: readonly Float32Array[]
  readonly values: readonly Float32Array[]
}

/** A Llama model, token by token: RMS norm, rotary positions, grouped-query attention, SwiGLU. It is written in plain loops, and is not fast. */
export class Llama {
  readonly #model: Checkpoint

  constructor(model: Checkpoint) {
    this.#model = model
  }

  newState(): KvState {
    const { layers, context, kvHeads, headSize } = this.#model.config
    const arrays = () => Array.from({ length: layers }, () => new Float32Array(context * kvHeads * headSize))
    return { keys: arrays(), values: arrays() }
  }

  /**
   * Computes a token at a position. `state` has the keys and values of all tokens before, and gets those of this one.
   *
   * @returns how likely each token is next, as logits
   */
  forward(token: number, position: number, state: KvState): Float32Array {
    const { config, embedding, layers, finalNorm, classifier } = this.#model
    const stream = embedding.slice(token * config.dim, (token + 1) * config.dim)
    for (const [i, layer] of layers.entries()) {
      add(
        stream,
        this.#attention(layer, normalized(stream, layer.attentionNorm), position, state.keys[i]!, state.values[i]!)
      )
      add(stream, feedForward(layer, normalized(stream, layer.ffnNorm)))
    }
    return product(classifier, normalized(stream, finalNorm))
  }

  #attention(
    { wq, wk, wv, wo }: LayerWeights,
    input: Float32Array,
    position: number,
    keys: Float32Array,
    values: Float32Array
  ): Float32Array {
    const { dim, heads, kvHeads, headSize } = this.#model.config
    const kvDim = kvHeads * headSize
    const query = rotated(product(wq, input), position, headSize)
    keys.set(rotated(product(wk, input), position, headSize), position * kvDim)
    values.set(product(wv, input), position * kvDim)

    const mixed = new Float32Array(dim)
    const scores = new Float32Array(position + 1)
    for (let head = 0; head < heads; head++) {
      const at = head * headSize
      const kvAt = Math.floor((head * kvHeads) / heads) * headSize
      for (let t = 0; t <= position; t++) {
        let score = 0
        for (let i = 0; i < headSize; i++) score += query[at + i]! * keys[t * kvDim + kvAt + i]!
        scores[t] = score / Math.sqrt(headSize)
      }
      softmax(scores)
      for (let t = 0; t <= position; t++) {
        for (let i = 0; i < headSize; i++) mixed[at + i]! += scores[t]! * values[t * kvDim + kvAt + i]!
      }
    }
    return product(wo, mixed)
  }
}

function feedForward({ w1, w2, w3 }: LayerWeights, input: Float32Array): Float32Array {
  const gate = product(w1, input)
  const up = product(w3, input)
  for (let i = 0; i < gate.length; i++) gate[i] = (gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!
  return product(w2, gate)
}

function product(matrix: Float32Array, vector: Float32Array): Float32Array {
  const { length } = vector
  const result = new Float32Array(matrix.length / length)
  for (let row = 0; row < result.length; row++) {
    let sum = 0
    for (let i = 0; i < length; i++) sum += matrix[row * length + i]! * vector[i]!
    result[row] = sum
  }
  return result
}

function add(to: Float32Array, what: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += what[i]!
}

function normalized(vector: Float32Array, weights: Float32Array): Float32Array {
  const meanSquare = vector.reduce((sum, x) => sum + x * x, 0) / vector.length
  const scale = 1 / Math.sqrt(meanSquare + 1e-5)
  return vector.map((x, i) => x * scale * weights[i]!)
}

/** Rotates each pair of numbers of each head, in place, by an angle that grows with the position, fastest for the first pairs. */
function rotated(vector: Float32Array, position: number, headSize: number): Float32Array {
  for (let i = 0; i < vector.length; i += 2) {
    const angle = position * 10_000 ** (-(i % headSize) / headSize)
    const [x, y] = [vector[i]!, vector[i + 1]!]
    vector[i] = x * Math.cos(angle) - y * Math.sin(angle)
    vector[i + 1] = x * Math.sin(angle) + y * Math.cos(angle)
  }
  return vector
}

function softmax(scores: Float32Array): void {
  const max = scores.reduce((a, b) => Math.max(a, b))
  let sum = 0
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i]! - max)
  for (let i = 0; i < scores.length; i++) scores[i]! /= sum
}
