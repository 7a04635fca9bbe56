import { createHash } from 'node:crypto'
import type { Namespace, TokenChunk } from './token-chunks.js'

/*
 * Keys are text, so that `ckv ls` shows them:
 *
 *     tensor-cache:1:index:<namespace>:c<chunk hash>              JSON, see entry-record.ts
 *     tensor-cache:1:data:<namespace>:c<chunk hash>:<layer>       the tensor's bytes; the layer in four hexadecimal digits
 *     tensor-cache:1:index:<namespace>:t<hash of a name>
 *     tensor-cache:1:data:<namespace>:t<hash of a name>:0000
 *
 * The layers of a chunk are one range of keys, and the index is another, which is read without touching a tensor. 1 is the version of this layout.
 */
const INDEX = 'tensor-cache:1:index:'
const DATA = 'tensor-cache:1:data:'

/** The part of a key after the prefix: `<namespace>:c<hash>` or `<namespace>:t<hash>`, always of the same length. */
export type EntryId = string

export function chunkId({ namespace, hash }: TokenChunk): EntryId {
  return `${namespace}:c${hash}`
}

export function tensorId(namespace: Namespace, name: string): EntryId {
  return `${namespace.name}:t${createHash('sha256').update(name).digest('hex')}`
}

/** The keys of a database or a sublevel, as they are in the store itself. */
export class EntryKeys {
  readonly #index: string
  readonly #data: string

  /** @param prefix of the sublevel, those around it included; empty for the store itself */
  constructor(prefix: string) {
    this.#index = prefix + INDEX
    this.#data = prefix + DATA
  }

  index(id: EntryId): string {
    return this.#index + id
  }

  idOf(indexKey: string): EntryId {
    return indexKey.slice(this.#index.length)
  }

  data(id: EntryId, layers: number): string[] {
    return Array.from({ length: layers }, (_, layer) => `${this.#data}${id}:${layer.toString(16).padStart(4, '0')}`)
  }

  /** Every index key. */
  get indexRange(): { gte: string; lt: string } {
    return rangeOf(this.#index)
  }

  /** Every data key of an entry. */
  dataRange(id: EntryId): { gte: string; lt: string } {
    return rangeOf(`${this.#data}${id}:`)
  }
}

/** All keys with a prefix that ends with a colon: up to the first with the next character there. */
function rangeOf(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)};` }
}
