import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { assertKnownOptions } from 'compressed-kv'
import { blobReadable } from './blobs/blob-readable.js'
import { type BlobBackingStore, type BytesLevel, bytesLevel } from './blobs/bytes-level.js'
import { Catalogue } from './blobs/catalogue.js'
import { readChunks } from './blobs/chunk-reader.js'
import { ChunkWriter } from './blobs/chunk-writer.js'
import { corrupt } from './blobs/errors.js'
import { readFilePieces, replaceFile } from './blobs/files.js'
import { newGeneration } from './blobs/keys.js'
import { llamaStateIn } from './blobs/llama-state.js'
import { type BlobStat, type Manifest } from './blobs/manifest.js'
import {
  assertKey,
  assertModelOf,
  assertPath,
  assertListOptions,
  type BlobStoreOptions,
  chunkBytesOf,
  GET_BLOB_OPTIONS,
  GET_FILE_OPTIONS,
  type GetBlobOptions,
  type GetFileOptions,
  type ListBlobsOptions,
  type PutBlobOptions,
  putOptionsOf,
  rangeIn
} from './blobs/options.js'
import { type BlobSource, Source } from './blobs/source.js'

export type { BlobBackingStore } from './blobs/bytes-level.js'
export type { LlamaState } from './blobs/llama-state.js'
export type { BlobStat } from './blobs/manifest.js'
export type {
  BlobStoreOptions,
  GetBlobOptions,
  GetFileOptions,
  ListBlobsOptions,
  PutBlobOptions
} from './blobs/options.js'
export type { BlobSource } from './blobs/source.js'

/**
 * Keeps blobs, values that are too large to be held in memory, in a `CompressedKvStore` or a sublevel of one:
 *
 * ```ts
 * const blobs = new BlobStore(db)
 * await blobs.putFile('chat:7', 'state.bin', { model: 'llama-3.2-1b-q4@3f1c' })
 * await blobs.getFile('chat:7', 'restored.bin', { model: 'llama-3.2-1b-q4@3f1c' })
 * ```
 *
 * A blob is compressed in chunks, several at a time, and appears as a whole when it is on stable storage: a crash, an error or an abort leaves the
 * previous one. A reader gets one version of a blob to its end, even if the blob is replaced or deleted meanwhile.
 *
 * A `BlobStore` has no `close()`: it ends with its store. Any number of them may share a store, which only one process can have open.
 */
export class BlobStore {
  readonly #level: BytesLevel
  readonly #catalogue: Catalogue
  readonly #chunkBytes: number

  /** @throws CKV_INVALID_OPTION; LEVEL_NOT_SUPPORTED if `store` is neither a `CompressedKvStore` nor a sublevel of one */
  constructor(store: BlobBackingStore, options: BlobStoreOptions = {}) {
    this.#chunkBytes = chunkBytesOf(options)
    this.#level = bytesLevel(store, options.name ?? 'blobs')
    this.#catalogue = new Catalogue(this.#level)
  }

  /**
   * Stores a blob under `key`, in place of the one that is there. Of several puts of one key the last to finish wins.
   *
   * @param data must not be changed before this resolves, if it is a `Uint8Array`
   * @returns the blob's properties. Resolves when the blob is on stable storage, if the backend has a stable storage
   * @throws CKV_INVALID_OPTION; LEVEL_INVALID_KEY for a key that is no text; CKV_VALUE_TOO_LARGE for too much metadata; LEVEL_CORRUPTION if the store
   *   is cleared meanwhile; what `data` throws; the signal's reason
   */
  async putBlob(key: string, data: BlobSource, options: PutBlobOptions = {}): Promise<BlobStat> {
    const source = new Source(data)
    let asked: ReturnType<typeof putOptionsOf>
    try {
      assertKey(key)
      asked = putOptionsOf(options)
      asked.signal?.throwIfAborted()
      await this.#catalogue.discardSomeOrphans()
    } catch (error) {
      source.stop()
      throw error
    }
    const { signal, codec, model, metadata } = asked
    const generation = newGeneration()
    const chunkBytes = this.#chunkBytes
    const writer = new ChunkWriter(this.#level, generation, chunkBytes, codec)
    this.#catalogue.beginWriting(generation)
    try {
      for await (const piece of source.pieces(signal)) await writer.write(piece)
      const { length, sha256, head } = await writer.end()
      signal?.throwIfAborted()
      const llamaState = llamaStateIn(head, length)
      const stat: BlobStat = {
        key,
        length,
        sha256,
        model,
        metadata,
        createdAt: Date.now(),
        chunkBytes,
        llamaState
      }
      await this.#catalogue.publish({ stat, generation })
      return stat
    } catch (error) {
      await writer.settled()
      await this.#catalogue.giveUp(key, generation, writer)
      throw error
    }
  }

  /**
   * A blob, or a part of it, as a stream of bytes: a `Readable`, which works with `pipeline`, responses and hashes, and is an
   * `AsyncIterable<Buffer>` as well. It reads only a few chunks ahead. Read it to its end or `destroy()` it: until then its chunks are kept,
   * even if the blob is replaced or deleted.
   *
   * @returns undefined if there is no such blob. The stream fails with LEVEL_CORRUPTION if a part of the blob is damaged, and with an `AbortError`
   *   when the signal aborts it.
   * @throws CKV_INVALID_OPTION; LEVEL_INVALID_KEY; CKV_MODEL_MISMATCH; LEVEL_CORRUPTION; the signal's reason
   */
  async getBlob(key: string, options: GetBlobOptions = {}): Promise<Readable | undefined> {
    assertKnownOptions('getBlob()', options, GET_BLOB_OPTIONS)
    const asked = { ...options } // The caller may change its object while this waits.
    const manifest = await this.#hold(key, asked)
    if (manifest === undefined) return undefined
    try {
      asked.signal?.throwIfAborted() // A stream would fail before the caller can listen to it.
      const { start, end } = rangeIn(manifest.stat, asked)
      const chunks = readChunks(this.#level, manifest, start, end)
      return blobReadable(chunks, () => this.#catalogue.release(manifest), asked.signal)
    } catch (error) {
      this.#catalogue.release(manifest)
      throw error
    }
  }

  /** Stores the contents of a file, like {@link putBlob}. */
  async putFile(key: string, path: string, options: PutBlobOptions = {}): Promise<BlobStat> {
    assertPath(path)
    return this.putBlob(key, readFilePieces(resolve(path)), options)
  }

  /**
   * Writes a blob to a file, in place of one that is there. The blob is written under another name in the same directory, checked against its
   * SHA-256, put on stable storage, and then renamed: if this fails, the file is as it was.
   *
   * @returns the blob's properties; undefined if there is no such blob, and then no file is touched
   * @throws CKV_INVALID_OPTION; LEVEL_INVALID_KEY; CKV_MODEL_MISMATCH; LEVEL_CORRUPTION; the signal's reason; what the file system throws
   */
  async getFile(key: string, path: string, options: GetFileOptions = {}): Promise<BlobStat | undefined> {
    assertPath(path)
    assertKnownOptions('getFile()', options, GET_FILE_OPTIONS)
    const file = resolve(path) // The process may change its working directory while this waits.
    const { signal } = options
    const manifest = await this.#hold(key, options)
    if (manifest === undefined) return undefined
    try {
      const chunks = readChunks(this.#level, manifest, 0, manifest.stat.length)
      await replaceFile(file, new Source(chunks).pieces(signal), sha256 => {
        if (sha256 !== manifest.stat.sha256) throw corrupt(key, 'it fails its SHA-256')
      })
      return manifest.stat
    } finally {
      this.#catalogue.release(manifest)
    }
  }

  /**
   * A blob's properties, read without its bytes; undefined if there is no such blob.
   *
   * @throws LEVEL_INVALID_KEY; LEVEL_CORRUPTION
   */
  async statBlob(key: string): Promise<BlobStat | undefined> {
    assertKey(key)
    return (await this.#catalogue.find(key))?.stat
  }

  /**
   * Deletes a blob, durably.
   *
   * @returns whether there was one
   * @throws LEVEL_INVALID_KEY; what the store throws
   */
  async deleteBlob(key: string): Promise<boolean> {
    assertKey(key)
    return this.#catalogue.remove(key)
  }

  /**
   * Lists the blobs as they are at one moment, in the order of their keys as UTF-8. A blob whose properties cannot be read is left out; when all
   * others have been listed, the error of the first such blob is thrown, which names it.
   *
   * @throws CKV_INVALID_OPTION; LEVEL_CORRUPTION; what the store throws
   */
  async *listBlobs(options: ListBlobsOptions = {}): AsyncGenerator<BlobStat, void> {
    assertListOptions(options)
    for await (const { stat } of this.#catalogue.list(options)) yield stat
  }

  /**
   * Deletes what crashes have left of blobs that were being put or deleted. The first puts of a process do this as well, each for up to 100 blobs:
   * call it only to have the space sooner.
   *
   * @returns how many such blobs there were
   */
  removeOrphans(): Promise<number> {
    return this.#catalogue.discardAllOrphans()
  }

  async #hold(key: string, { model, signal }: GetFileOptions): Promise<Manifest | undefined> {
    assertKey(key)
    signal?.throwIfAborted()
    const manifest = await this.#catalogue.hold(key)
    if (manifest === undefined) return undefined
    try {
      assertModelOf(manifest.stat, model)
      return manifest
    } catch (error) {
      this.#catalogue.release(manifest)
      throw error
    }
  }
}
