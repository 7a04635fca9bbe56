import { randomBytes } from 'node:crypto'

/*
 * The layout, in a sublevel of its own; all numbers are big-endian, so that keys sort by number:
 *
 *     m key                    the manifest of a blob: which generation it is
 *     c generation number      a chunk; generation is 16 random bytes, number a u32 from 0
 *     g generation             garbage: no manifest names this generation, or none does yet
 *
 * The batch that writes a manifest deletes the garbage entry of its generation, and the batch that replaces or deletes the manifest writes that
 * entry again: a generation with chunks always has exactly one of the two.
 */

const MANIFEST = 'm'
const CHUNK = 'c'
const GARBAGE = 'g'

const GENERATION_BYTES = 16
const NUMBER_BYTES = 4
/** The most chunks that one blob can have. */
export const MAX_CHUNKS = 2 ** 32 - 1

/** Identifies one version of a blob. Its chunks are never changed, only deleted together. */
export type Generation = Buffer

export function newGeneration(): Generation {
  return randomBytes(GENERATION_BYTES)
}

/** A generation as a key of a Map or Set. */
export function nameOf(generation: Generation): string {
  return generation.toString('latin1')
}

export function isGeneration(bytes: Uint8Array): boolean {
  return bytes.length === GENERATION_BYTES
}

export function manifestKey(key: string): Buffer {
  return Buffer.from(MANIFEST + key)
}

/** The blob's key that a manifest's key holds. */
export function blobKey(key: Buffer): string {
  return key.toString('utf8', MANIFEST.length)
}

/** All manifests lie in `[MANIFESTS.gte, MANIFESTS.lt)`. */
export const MANIFESTS = { gte: Buffer.from(MANIFEST), lt: above(MANIFEST) }

export function chunkKey(generation: Generation, number: number): Buffer {
  const key = Buffer.allocUnsafe(CHUNK.length + GENERATION_BYTES + NUMBER_BYTES)
  key.write(CHUNK)
  key.set(generation, CHUNK.length)
  key.writeUInt32BE(number, CHUNK.length + GENERATION_BYTES)
  return key
}

export function chunkRange(generation: Generation): { gte: Buffer; lte: Buffer } {
  return { gte: chunkKey(generation, 0), lte: chunkKey(generation, MAX_CHUNKS) }
}

export function garbageKey(generation: Generation): Buffer {
  return Buffer.concat([Buffer.from(GARBAGE), generation])
}

export function generationIn(key: Buffer): Generation {
  return key.subarray(GARBAGE.length)
}

export const ALL_GARBAGE = { gte: Buffer.from(GARBAGE), lt: above(GARBAGE) }

/** The first key after all that begin with `letter`. */
function above(letter: string): Buffer {
  return Buffer.of(letter.charCodeAt(0) + 1)
}
