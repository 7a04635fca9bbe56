import { createHash } from 'node:crypto'
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
