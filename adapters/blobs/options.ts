import { assertKnownOptions, type Codec, type CodecName, CompressedKvError, type OptionTable } from 'compressed-kv'
import { invalidOption, shown } from '../errors.js'
import { modelMismatch } from './errors.js'
import type { BlobStat } from './manifest.js'

export interface BlobStoreOptions {
  /**
   * Name of the sublevel of the given store that holds the blobs. Blob stores with different names share nothing.
   * @default 'blobs'
   */
  readonly name?: string | undefined
  /**
   * New blobs are compressed in pieces of this many bytes, 1 KiB to 16 MiB. To read a range, whole pieces are read: with pieces of 64 KiB or more, a
   * range of 64 KiB lies in at most two. Larger pieces take more memory and compress hardly better.
   * @default 262144 (256 KiB)
   */
  readonly chunkBytes?: number | undefined
}

export interface PutBlobOptions {
  /** The model that the blob belongs to, such as 'llama-3.2-1b-q4@3f1c': the blob can be read only with the same name. */
  readonly model?: string | undefined
  /** Kept with the blob, and returned by `statBlob` and `listBlobs`. As JSON, together with `model`, up to 64 KiB. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Used instead of the codec that the store's options choose. */
  readonly codec?: Codec | CodecName | undefined
  /** Aborts the call, which rejects with the signal's reason and changes nothing. */
  readonly signal?: AbortSignal | undefined
}

export interface GetFileOptions {
  /** The model that the blob was put with; left out for a blob without one. */
  readonly model?: string | undefined
  /** Aborts the call, or the stream. */
  readonly signal?: AbortSignal | undefined
}

export interface GetBlobOptions extends GetFileOptions {
  /**
   * Where to begin, in bytes. Nothing is read beyond the end of the blob.
   * @default 0
   */
  readonly start?: number | undefined
  /**
   * Where to end, in bytes, exclusive as in `subarray`.
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

const LIST_OPTIONS = {
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
/** The most bytes of a caller's metadata and model: they are read whenever the blob's manifest is. */
const MAX_LABEL_BYTES = 64 * 1024

/** @throws CKV_INVALID_OPTION */
export function chunkBytesOf(options: BlobStoreOptions): number {
  assertKnownOptions('BlobStore', options, STORE_OPTIONS)
  const { name, chunkBytes = DEFAULT_CHUNK_BYTES } = options
  if (name !== undefined && typeof name !== 'string') throw invalidOption(`name must be text, not ${typeof name}`)
  if (Number.isInteger(chunkBytes) && chunkBytes >= MIN_CHUNK_BYTES && chunkBytes <= MAX_CHUNK_BYTES) return chunkBytes
  throw invalidOption(
    `chunkBytes must be a whole number of bytes from ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}, not ${shown(chunkBytes)}`
  )
}

/** @throws LEVEL_INVALID_KEY */
export function assertKey(key: string): void {
  if (typeof key !== 'string') {
    throw new CompressedKvError('LEVEL_INVALID_KEY', `The key of a blob must be text, not ${typeof key}`)
  }
  if (!/\p{Surrogate}/u.test(key)) return
  // In UTF-8 half of a surrogate pair becomes U+FFFD, so that one key would stand for another.
  throw new CompressedKvError(
    'LEVEL_INVALID_KEY',
    'The key of a blob must be text: this one has half of a surrogate pair'
  )
}

/** @throws CKV_INVALID_OPTION */
export function assertPath(path: string): void {
  if (typeof path === 'string' && path !== '') return
  throw invalidOption(`The path of a file must be text, not ${path === '' ? 'empty' : typeof path}`)
}

/**
 * The options of one put, checked and copied: the caller may change its object for the next.
 *
 * @throws CKV_INVALID_OPTION; CKV_VALUE_TOO_LARGE
 */
export function putOptionsOf(options: PutBlobOptions) {
  assertKnownOptions('putBlob() or putFile()', options, PUT_OPTIONS)
  const { model, metadata = {}, codec, signal } = options
  assertModel(model)
  // Of a Map or Headers nothing would be kept: what is in it is in no properties.
  const isRecord = typeof metadata === 'object' && metadata !== null && !(Symbol.iterator in metadata)
  if (!isRecord || !Object.values(metadata).every(value => typeof value === 'string')) {
    throw invalidOption('metadata must be an object whose values are text')
  }
  const bytes = Buffer.byteLength(JSON.stringify({ model, metadata }))
  if (bytes <= MAX_LABEL_BYTES) return { model, metadata: { ...metadata }, codec, signal }
  throw new CompressedKvError(
    'CKV_VALUE_TOO_LARGE',
    `model and metadata take ${bytes} bytes as JSON, and the limit is ${MAX_LABEL_BYTES}: shorten them`
  )
}

/** @throws CKV_INVALID_OPTION: unchecked, a bound that is not text would be taken for text, and a wrong limit for another */
export function assertListOptions(options: ListBlobsOptions): void {
  assertKnownOptions('listBlobs()', options, LIST_OPTIONS)
  const { gt, gte, lt, lte, limit = Infinity } = options
  for (const [name, bound] of Object.entries({ gt, gte, lt, lte })) {
    if (bound === undefined || typeof bound === 'string') continue
    throw invalidOption(`${name} must be text, as keys of blobs are, not ${shown(bound)}`)
  }
  if ((Number.isInteger(limit) && limit >= 0) || limit === Infinity) return
  throw invalidOption(`limit must be a whole number of blobs, 0 or more, or Infinity, not ${shown(limit)}`)
}

/** @throws CKV_INVALID_OPTION; CKV_MODEL_MISMATCH */
export function assertModelOf({ key, model }: BlobStat, asked: string | undefined): void {
  assertModel(asked)
  if (asked !== model) throw modelMismatch(key, model, asked)
}

/**
 * The requested part of a blob, cut to the blob's length.
 *
 * @throws CKV_INVALID_OPTION
 */
export function rangeIn(
  { length }: BlobStat,
  { start = 0, end = length }: GetBlobOptions
): { start: number; end: number } {
  for (const at of [start, end]) {
    if (!Number.isSafeInteger(at) || at < 0) {
      throw invalidOption(`start and end must be whole numbers of bytes from 0 on, not ${shown(at)}`)
    }
  }
  const last = Math.min(end, length)
  return { start: Math.min(start, last), end: last }
}

function assertModel(model: string | undefined): void {
  if (model === undefined || (typeof model === 'string' && model !== '')) return
  throw invalidOption(`model must be the name of a model, or be left out, not ${shown(model)}`)
}
