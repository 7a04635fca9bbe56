import type { Codec, CodecName } from 'compressed-kv'
import { assertKnownOptions, CompressedKvError, type OptionTable } from 'compressed-kv'
import { invalid, modelMismatch } from './errors.js'
import type { BlobStat } from './manifest.js'

export interface BlobStoreOptions {
  /**
   * Of the sublevel that holds the blobs, within the store that is given. Stores of blobs with different names share nothing.
   * @default 'blobs'
   */
  readonly name?: string | undefined
  /**
   * New blobs are compressed in pieces of so many bytes, 1 KiB to 16 MiB. A range reads whole pieces: from 64 KiB on, 64 KiB lie in at most
   * two. Larger takes more memory and compresses hardly better.
   * @default 262144 (256 KiB)
   */
  readonly chunkBytes?: number | undefined
}

export interface PutBlobOptions {
  /** Which model it belongs to, such as 'llama-3.2-1b-q4@3f1c': the blob is read only by who names the same. */
  readonly model?: string | undefined
  /** Kept with it, and shown by `statBlob` and `listBlobs`. Up to 64 KiB. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Instead of the codec that the store's options choose. */
  readonly codec?: Codec | CodecName | undefined
  /** Gives up: the call rejects with its reason, and nothing has changed. */
  readonly signal?: AbortSignal | undefined
}

export interface GetFileOptions {
  /** The model that it was put with; left out for a blob without one. */
  readonly model?: string | undefined
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
}

export interface GetBlobOptions extends GetFileOptions {
  /**
   * Where to begin, in bytes. Beyond the end of the blob there is nothing.
   * @default 0
   */
  readonly start?: number | undefined
  /**
   * Where to end, in bytes; itself not included, as in `subarray`.
   * @default the end of the blob
   */
  readonly end?: number | undefined
}

export interface ListBlobsOptions {
  readonly gt?: string | undefined
  readonly gte?: string | undefined
  readonly lt?: string | undefined
  readonly lte?: string | undefined
  /** @default false */
  readonly reverse?: boolean | undefined
  /** @default Infinity */
  readonly limit?: number | undefined
}

const STORE_OPTIONS = { name: 'any', chunkBytes: 'any' } as const satisfies OptionTable<BlobStoreOptions>

const PUT_OPTIONS = {
  model: 'any',
  metadata: 'any',
  codec: 'any',
  signal: 'signal'
} as const satisfies OptionTable<PutBlobOptions>

export const GET_FILE_OPTIONS = { model: 'any', signal: 'signal' } as const satisfies OptionTable<GetFileOptions>

export const GET_BLOB_OPTIONS = {
  ...GET_FILE_OPTIONS,
  start: 'any',
  end: 'any'
} as const satisfies OptionTable<GetBlobOptions>

export const LIST_OPTIONS = {
  gt: 'any',
  gte: 'any',
  lt: 'any',
  lte: 'any',
  reverse: 'boolean',
  limit: 'any'
} as const satisfies OptionTable<ListBlobsOptions>

const DEFAULT_CHUNK_BYTES = 256 * 1024
const MIN_CHUNK_BYTES = 1024
const MAX_CHUNK_BYTES = 16 * 1024 * 1024
/** Of what a caller says about a blob: it is read whenever the blob is looked at. */
const MAX_LABEL_BYTES = 64 * 1024

/** @throws CKV_INVALID_OPTION */
export function chunkBytesOf(options: BlobStoreOptions): number {
  assertKnownOptions('BlobStore', options, STORE_OPTIONS)
  const { name, chunkBytes = DEFAULT_CHUNK_BYTES } = options
  if (name !== undefined && typeof name !== 'string') throw invalid(`name must be text, not ${typeof name}`)
  if (Number.isInteger(chunkBytes) && chunkBytes >= MIN_CHUNK_BYTES && chunkBytes <= MAX_CHUNK_BYTES) return chunkBytes
  throw invalid(
    `chunkBytes must be a whole number of bytes from ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}, not ${String(chunkBytes)}`
  )
}

/** @throws LEVEL_INVALID_KEY */
export function assertKey(key: string): void {
  if (typeof key !== 'string') {
    throw new CompressedKvError('LEVEL_INVALID_KEY', `The key of a blob is text, not ${typeof key}`)
  }
  if (!/\p{Surrogate}/u.test(key)) return
  // In UTF-8 they all become U+FFFD, and one blob would stand for another.
  throw new CompressedKvError('LEVEL_INVALID_KEY', 'The key of a blob has half of a surrogate pair: that is no text')
}

/** @throws CKV_INVALID_OPTION */
export function assertPath(path: string): void {
  if (typeof path === 'string' && path !== '') return
  throw invalid(`The path of a file is text, not ${path === '' ? 'empty' : typeof path}`)
}

/** @throws CKV_INVALID_OPTION; CKV_VALUE_TOO_LARGE */
export function assertPutOptions(options: PutBlobOptions): void {
  assertKnownOptions('putBlob() and putFile()', options, PUT_OPTIONS)
  const { model, metadata = {} } = options
  assertModel(model)
  const isRecord = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
  if (!isRecord || !Object.values(metadata).every(value => typeof value === 'string')) {
    throw invalid('metadata must be an object whose values are text')
  }
  const bytes = Buffer.byteLength(JSON.stringify({ model, metadata }))
  if (bytes <= MAX_LABEL_BYTES) return
  throw new CompressedKvError(
    'CKV_VALUE_TOO_LARGE',
    `model and metadata take ${bytes} bytes as JSON, and the limit is ${MAX_LABEL_BYTES}`
  )
}

/** @throws CKV_INVALID_OPTION; CKV_MODEL_MISMATCH */
export function assertModelOf({ key, model }: BlobStat, asked: string | undefined): void {
  assertModel(asked)
  if (asked !== model) throw modelMismatch(key, model, asked)
}

/**
 * The part of a blob that is asked for, as far as there is one.
 *
 * @throws CKV_INVALID_OPTION
 */
export function rangeIn(
  { length }: BlobStat,
  { start = 0, end = length }: GetBlobOptions
): { start: number; end: number } {
  for (const at of [start, end]) {
    if (!Number.isSafeInteger(at) || at < 0) {
      throw invalid(`start and end must be whole numbers of bytes from 0 on, not ${String(at)}`)
    }
  }
  const last = Math.min(end, length)
  return { start: Math.min(start, last), end: last }
}

function assertModel(model: string | undefined): void {
  if (model === undefined || (typeof model === 'string' && model !== '')) return
  throw invalid(`model must be text that names one, not ${JSON.stringify(model)}`)
}
