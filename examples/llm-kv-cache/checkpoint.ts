import { readFileSync } from 'node:fs'

/** The shape of a Llama model. */
interface Config {
  /** The size of the stream between layers. */
  readonly dim: number
  readonly hiddenDim: number
  readonly layers: number
  readonly heads: number
  /** Heads of keys and values, each shared by `heads / kvHeads` heads of queries. */
  readonly kvHeads: number
  readonly headSize: number
  readonly vocabulary: number
  /** The most tokens that a sequence can have. */
  readonly context: number
}

/** The weights. Matrices are stored row by row, `[outputs, inputs]`. */
export interface LayerWeights {
  readonly attentionNorm: Float32Array
  readonly wq: Float32Array
  readonly wk: Float32Array
  readonly wv: Float32Array
  readonly wo: Float32Array
  readonly ffnNorm: Float32Array
  readonly w1: Float32Array
  readonly w2: Float32Array
  readonly w3: Float32Array
}

export interface Checkpoint {
  readonly config: Config
  readonly embedding: Float32Array
  readonly layers: readonly LayerWeights[]
  readonly finalNorm: Float32Array
  /** From the stream to the vocabulary; the embedding itself in models that share it. */
  readonly classifier: Float32Array
}

/**
 * Reads llama2.c's first layout ("version 0"): seven i32 - dim, hidden dim, layers, heads, KV heads, vocabulary (negative if the classifier has
 * weights of its own), context - and then f32 weights, each kind for all layers, in the order below. Little-endian.
 */
export function readCheckpoint(file: string): Checkpoint {
  const bytes = readFileSync(file)
  if (bytes.length < HEADER_BYTES) throw new Error(`${file} is too short for a checkpoint`)
  const header = Array.from({ length: 7 }, (_, i) => bytes.readInt32LE(4 * i))
  const [dim, hiddenDim, layers, heads, kvHeads, vocabularyOrMinus, context] = header as Seven
  const config = {
    dim,
    hiddenDim,
    layers,
    heads,
    kvHeads,
    headSize: dim / heads,
    vocabulary: Math.abs(vocabularyOrMinus),
    context
  }
  const isShape = Object.values(config).every(value => Number.isInteger(value) && value > 0)
  if (!isShape || heads % kvHeads !== 0 || config.headSize % 2 !== 0) {
    throw new Error(`${file} is no checkpoint in llama2.c's first layout: it begins with ${header.join(', ')}`)
  }

  let at = HEADER_BYTES
  const take = (length: number): Float32Array => {
    if (at + 4 * length > bytes.length) throw new Error(`${file} ends in the middle of its weights`)
    const weights = new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * length))
    at += 4 * length
    return weights
  }
  const ofLayers = (length: number) => Array.from({ length: layers }, () => take(length))

  const kvDim = kvHeads * config.headSize
  const embedding = take(config.vocabulary * dim)
  const attentionNorm = ofLayers(dim)
  const wq = ofLayers(dim * dim)
  const wk = ofLayers(kvDim * dim)
  const wv = ofLayers(kvDim * dim)
  const wo = ofLayers(dim * dim)
  const ffnNorm = ofLayers(dim)
  const w1 = ofLayers(hiddenDim * dim)
  const w2 = ofLayers(dim * hiddenDim)
  const w3 = ofLayers(hiddenDim * dim)
  const finalNorm = take(dim)
  take(context * config.headSize) // Sines and cosines of positions are skipped: they are computed here.
  const classifier = vocabularyOrMinus > 0 ? embedding : take(config.vocabulary * dim)
  return {
    config,
    embedding,
    layers: wq.map((_, i) => ({
      attentionNorm: attentionNorm[i]!,
      wq: wq[i]!,
      wk: wk[i]!,
      wv: wv[i]!,
      wo: wo[i]!,
      ffnNorm: ffnNorm[i]!,
      w1: w1[i]!,
      w2: w2[i]!,
      w3: w3[i]!
    })),
    finalNorm,
    classifier
  }
}

const HEADER_BYTES = 28
type Seven = [number, number, number, number, number, number, number]
