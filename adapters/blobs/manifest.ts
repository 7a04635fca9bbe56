import { createHash } from 'node:crypto'
import { CompressedKvError } from 'compressed-kv'
import { corrupt } from './errors.js'
import { type Generation, isGeneration, MAX_CHUNKS } from './keys.js'
import { isLlamaState, type LlamaState } from './llama-state.js'

/** A blob's properties, read without its bytes. */
export interface BlobStat {
  readonly key: string
  /** In bytes. */
  readonly length: number
  /** SHA-256 of all its bytes, in hexadecimal: what `sha256sum` prints. */
  readonly sha256: string
  /** The model that it was put with. */
  readonly model: string | undefined
  /** The metadata that it was put with. */
  readonly metadata: Readonly<Record<string, string>>
  /** When it was put, in ms since 1970. */
  readonly createdAt: number
  /** The blob is compressed in pieces of this many bytes; the last may be shorter. */
  readonly chunkBytes: number
  /** The header in its first bytes, if it looks like a state file of llama.cpp. */
  readonly llamaState: LlamaState | undefined
}

/** What is stored of a blob beside its chunks. */
export interface Manifest {
  readonly stat: BlobStat
  readonly generation: Generation
}

/*
 * The bytes of a manifest, format version 1: the SHA-256 of the JSON that follows it. The store does not checksum every small value, and a
 * manifest decides what may be read.
 */
const VERSION = 1
const DIGEST_BYTES = 32

export function encodeManifest({ stat, generation }: Manifest): Buffer {
  const json = Buffer.from(JSON.stringify({ version: VERSION, generation: generation.toString('hex'), ...stat }))
  return Buffer.concat([digestOf(json), json])
}

/** @throws LEVEL_CORRUPTION; LEVEL_NOT_SUPPORTED for another version */
export function decodeManifest(key: string, bytes: Buffer): Manifest {
  const json = bytes.subarray(DIGEST_BYTES)
  if (!digestOf(json).equals(bytes.subarray(0, DIGEST_BYTES))) throw corrupt(key, 'its manifest fails its checksum')
  const { version, generation: hex, ...stat } = JSON.parse(json.toString()) as Record<string, unknown>
  if (version !== VERSION) {
    throw new CompressedKvError(
      'LEVEL_NOT_SUPPORTED',
      `Blob '${key}' has a manifest of version ${String(version)}, and this compressed-kv reads ${VERSION}: upgrade it`
    )
  }
  const generation = Buffer.from(String(hex), 'hex')
  if (!isGeneration(generation) || !isStatOf(key, stat)) throw corrupt(key, 'its manifest contradicts itself')
  const { length, sha256, model, metadata, createdAt, chunkBytes, llamaState } = stat
  return { stat: { key, length, sha256, model, metadata, createdAt, chunkBytes, llamaState }, generation }
}

export function chunkCount({ length, chunkBytes }: BlobStat): number {
  return Math.ceil(length / chunkBytes)
}

function isStatOf(key: string, stat: Partial<BlobStat>): stat is BlobStat {
  const { length, sha256, model, metadata, createdAt, chunkBytes, llamaState } = stat
  return (
    stat.key === key &&
    isCount(length) &&
    isCount(chunkBytes) &&
    chunkBytes > 0 &&
    length / chunkBytes <= MAX_CHUNKS &&
    typeof sha256 === 'string' &&
    (model === undefined || typeof model === 'string') &&
    typeof metadata === 'object' &&
    metadata !== null &&
    isCount(createdAt) &&
    (llamaState === undefined || isLlamaState(llamaState))
  )
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
