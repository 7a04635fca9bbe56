import { createHash } from 'node:crypto'
import { invalidOption, shown } from '../errors.js'
import type { Layout } from './options.js'

/** Identifies tensors that are interchangeable: those of one model, dtype and layout. */
export interface Namespace {
  /** 32 bytes, with which the chain of chunk hashes begins. */
  readonly root: Buffer
  /** The first half of `root`, as used in keys. */
  readonly name: string
}

/** A part of what is hashed. It must change when what is hashed here does, or how chunks are hashed. */
const SCHEME = 1

export function namespaceOf({ model, revision, extra, dtype, layers, shape, seqAxis }: Layout): Namespace {
  const facts = JSON.stringify([SCHEME, model, revision, extra, dtype, layers, shape, seqAxis])
  const root = createHash('sha256').update(facts).digest()
  return { root, name: root.toString('hex', 0, 16) }
}

/** Token ids as a tokenizer gives them, in transformers.js a `BigInt64Array`. */
export type Tokens = ArrayLike<number | bigint>

/** Tokens `start` to below `end` of a sequence, given all tokens before them. Made by `chunksOf`. */
export interface TokenChunk {
  /** In hexadecimal. Covers the previous chunk's hash and these tokens, and so identifies the whole prefix. */
  readonly hash: string
  readonly start: number
  readonly end: number
  /** The previous chunk. */
  readonly parent: TokenChunk | undefined
  /** The cache's own name for its model, dtype and layout. */
  readonly namespace: string
}

/**
 * Whole chunks of a sequence, first to last, hashed on demand. The hash of a chunk is the SHA-256 of the previous chunk's hash (for the first chunk,
 * the namespace's) and of its tokens as u32 LE. That is the scheme of SGLang, with the extra keys of vLLM in the namespace.
 *
 * @throws CKV_INVALID_OPTION if a token is no token id
 */
export function* chunksOf(tokens: Tokens, chunkTokens: number, namespace: Namespace): Generator<TokenChunk, void> {
  // Otherwise, for tokens without a length, there would be no chunks, and every look-up would be a miss.
  if (typeof tokens !== 'object' || !Number.isSafeInteger(tokens?.length)) {
    throw invalidOption('Tokens must be an array or a typed array of token ids')
  }
  let before: Buffer = namespace.root
  let parent: TokenChunk | undefined
  for (let start = 0; start + chunkTokens <= tokens.length; start += chunkTokens) {
    const end = start + chunkTokens
    before = createHash('sha256')
      .update(before)
      .update(littleEndian(tokens, start, end))
      .digest()
    parent = { hash: before.toString('hex'), start, end, parent, namespace: namespace.name }
    yield parent
  }
}

function littleEndian(tokens: Tokens, start: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(4 * (end - start))
  for (let i = start; i < end; i++) {
    const given: unknown = tokens[i]
    const token = typeof given === 'bigint' ? Number(given) : given
    if (typeof token !== 'number' || token >>> 0 !== token) {
      throw invalidOption(`Token ${i} must be an integer from 0 to 2^32 - 1, not ${shown(given)}`)
    }
    bytes.writeUInt32LE(token, 4 * (i - start))
  }
  return bytes
}
