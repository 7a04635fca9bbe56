import { createHash } from 'node:crypto'
import type { Layout } from './options.js'

/** Which tensors may stand for each other: those of one model, dtype and layout. */
export interface Namespace {
  /** 32 bytes, from which the hashes of chunks go out. */
  readonly root: Buffer
  /** The first half of it, as it stands in keys. */
  readonly name: string
}

/** Part of what is hashed: a change of what is hashed, or how chunks are, gets another number. */
const SCHEME = 1

export function namespaceOf({ model, revision, extra, dtype, layers, shape, seqAxis }: Layout): Namespace {
  const facts = JSON.stringify([SCHEME, model, revision, extra, dtype, layers, shape, seqAxis])
  const root = createHash('sha256').update(facts).digest()
  return { root, name: root.toString('hex', 0, 16) }
}
