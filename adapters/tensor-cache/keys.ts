import { createHash } from 'node:crypto'
import type { Namespace } from './namespace.js'
import type { TokenChunk } from './token-chunks.js'

/*
 * Keys are text, so that `ckv ls` shows them:
 *
 *     tensor-cache:1:index:<namespace>:c<chunk hash>              JSON, see entry-record.ts
 *     tensor-cache:1:data:<namespace>:c<chunk hash>:<layer>       the tensor's bytes; the layer in four hexadecimal digits
 *     tensor-cache:1:index:<namespace>:t<hash of a name>
 *     tensor-cache:1:data:<namespace>:t<hash of a name>:0000
 *
 * The layers of a chunk are one range, and the index another, which is read without touching a tensor. 1 is the version of all this.
 */
const INDEX = 'tensor-cache:1:index:'
const DATA = 'tensor-cache:1:data:'

/** Behind the prefix: `<namespace>:c<hash>` or `<namespace>:t<hash>`, always of the same length. */
export type EntryId = string

export function chunkId({ namespace, hash }: TokenChunk): EntryId {
  return `${namespace}:c${hash}`
}

export function tensorId(namespace: Namespace, name: string): EntryId {
  return `${namespace.name}:t${createHash('sha256').update(name).digest('hex')}`
}

export function indexKey(id: EntryId): string {
  return INDEX + id
}

export function idOfIndexKey(key: string): EntryId {
  return key.slice(INDEX.length)
}

export function dataKeys(id: EntryId, layers: number): string[] {
  return Array.from({ length: layers }, (_, layer) => `${DATA}${id}:${layer.toString(16).padStart(4, '0')}`)
}

/** Every index key of a namespace, or of all of them: up to the first that has the character after the colon there. */
export function indexRange(namespace?: string): { gte: string; lt: string } {
  return namespace === undefined ? rangeOf(INDEX) : rangeOf(`${INDEX}${namespace}:`)
}

/** Every data key of an entry. */
export function dataRange(id: EntryId): { gte: string; lt: string } {
  return rangeOf(`${DATA}${id}:`)
}

function rangeOf(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)};` }
}
