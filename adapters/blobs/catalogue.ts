import { CompressedKvError } from 'compressed-kv'
import { asErrorOfCall, isRefusal } from '../errors.js'
import type { BytesLevel, DelOperation, PutOperation } from './bytes-level.js'
import type { ChunkWriter } from './chunk-writer.js'
import { corrupt } from './errors.js'
import { discard, discardOrphans } from './garbage.js'
import { blobKey, chunkKey, garbageKey, type Generation, manifestKey, MANIFESTS, nameOf } from './keys.js'
import { decodeManifest, encodeManifest, type Manifest } from './manifest.js'
import type { ListBlobsOptions } from './options.js'
import { type Space, spaceOf } from './space.js'

/** How many generations one put examines when there may be orphans. */
const MAX_ORPHANS_LOOKED_AT = 100

const UNREADABLE_VALUE: ReadonlySet<unknown> = new Set([
  'LEVEL_CORRUPTION',
  'LEVEL_NOT_SUPPORTED',
  'CKV_CODEC_UNAVAILABLE',
  'CKV_VALUE_TOO_LARGE'
])

/** Whether the error is about one value, so that an iterator can go on to the next. An error of the backend may come again and again. */
function isOfUnreadableValue(error: unknown): boolean {
  return error instanceof CompressedKvError && UNREADABLE_VALUE.has(error.code)
}

/** Which generation each key has. Here generations are published, replaced and deleted, with their chunks. */
export class Catalogue {
  readonly #level: BytesLevel
  readonly #space: Space

  constructor(level: BytesLevel) {
    this.#level = level
    this.#space = spaceOf(level)
  }

  /** @throws LEVEL_CORRUPTION */
  async find(key: string): Promise<Manifest | undefined> {
    const bytes = await this.#level.get(manifestKey(key))
    return bytes && decodeManifest(key, bytes)
  }

  /** Finds a manifest and keeps its chunks until {@link release}, even if the blob is replaced or deleted. */
  async hold(key: string): Promise<Manifest | undefined> {
    const { live } = this.#space
    for (;;) {
      const manifest = await this.find(key)
      if (manifest === undefined) return undefined
      live.beginReading(manifest.generation)
      // Before it was marked as being read, the blob may have been replaced, and its chunks deleted. If it is still the current one, they stay.
      const isCurrent = await this.find(key).then(
        again => again?.generation.equals(manifest.generation) === true,
        () => false // If it fails again, the next turn of the loop throws the error.
      )
      if (isCurrent) return manifest
      live.endReading(manifest.generation)
    }
  }

  release({ generation }: Manifest): void {
    this.#space.live.endReading(generation)
  }

  /** @throws when all others have been given, the error of the first manifest that cannot be read, such as LEVEL_CORRUPTION */
  async *list({
    gt,
    gte,
    lt,
    lte,
    reverse = false,
    limit = Infinity
  }: ListBlobsOptions): AsyncGenerator<Manifest, void> {
    const range = {
      ...(gt === undefined ? { gte: gte === undefined ? MANIFESTS.gte : manifestKey(gte) } : { gt: manifestKey(gt) }),
      ...(lte === undefined ? { lt: lt === undefined ? MANIFESTS.lt : manifestKey(lt) } : { lte: manifestKey(lte) }),
      reverse
    }
    const iterator = this.#level.iterator(range)
    let unreadable: { readonly error: unknown } | undefined
    try {
      for (let left = limit; left > 0;) {
        let manifest: Manifest
        try {
          const entry = await iterator.next()
          if (entry === undefined) break
          const [key, bytes] = entry
          manifest = decodeManifest(blobKey(key), bytes)
        } catch (error) {
          if (!isOfUnreadableValue(error)) throw asErrorOfCall(error)
          unreadable ??= { error }
          continue // The iterator goes on after it.
        }
        left--
        yield manifest
      }
    } finally {
      await iterator.close()
    }
    if (unreadable !== undefined) throw unreadable.error
  }

  beginWriting(generation: Generation): void {
    this.#space.live.beginWriting(generation)
  }

  /**
   * Makes a generation the blob of its key, durably, and deletes the previous one when nobody reads it.
   *
   * @throws LEVEL_CORRUPTION if the store was cleared after the generation was begun; then there is no such blob
   */
  async publish(manifest: Manifest): Promise<void> {
    const { generation, stat } = manifest
    const { key } = stat
    await this.#space.publishing.run(key, async () => {
      const operations: (PutOperation | DelOperation)[] = [
        { type: 'put', key: manifestKey(key), value: encodeManifest(manifest) },
        { type: 'del', key: garbageKey(generation) }
      ]
      await this.#replace(key, operations, generation)
      // This is looked up only now, since a clear() that was called before the batch may have been under way until then. If the look-up fails, the
      // blob is published all the same.
      const first = chunkKey(generation, 0)
      if (stat.length > 0 && !(await this.#level.has(first).catch(() => true))) {
        await this.#replace(key, [{ type: 'del', key: manifestKey(key) }])
        throw corrupt(key, 'its chunks were deleted while it was being put, as clear() does: put it again')
      }
      this.#space.live.endWriting(generation)
    })
  }

  /** Deletes a blob, durably. @returns whether there was one */
  remove(key: string): Promise<boolean> {
    return this.#space.publishing.run(key, async () => {
      const isThere = await this.#level.has(manifestKey(key))
      if (isThere || this.#space.inDoubt.has(key)) await this.#replace(key, [{ type: 'del', key: manifestKey(key) }])
      return isThere
    })
  }

  /** Deletes what was written of a generation whose put has failed, unless it may have been published. */
  async giveUp(key: string, generation: Generation, { begun, failed }: ChunkWriter): Promise<void> {
    if (this.#space.inDoubt.get(key)?.includes(generation) === true) return
    if (begun) await this.#discard(generation, failed)
    this.#space.live.endWriting(generation)
  }

  /** Deletes what crashes have left, up to {@link MAX_ORPHANS_LOOKED_AT} generations; called before something is written. */
  async discardSomeOrphans(): Promise<void> {
    const space = this.#space
    if (!space.mayHaveOrphans) return
    space.mayHaveOrphans = false // What fails from here on sets it again.
    let all = false
    try {
      ;({ all } = await discardOrphans(this.#level, space, MAX_ORPHANS_LOOKED_AT))
    } finally {
      if (!all) space.mayHaveOrphans = true
    }
  }

  /** Deletes all that crashes have left. @returns of how many blobs, which were being put or deleted then */
  async discardAllOrphans(): Promise<number> {
    return (await discardOrphans(this.#level, this.#space)).discarded
  }

  /**
   * Writes `operations`, which give `key` another generation or none, and in the same batch notes as garbage those that it had or may have had. Then
   * deletes their chunks, when nobody reads them.
   *
   * @param published its new generation, if it gets one
   */
  async #replace(
    key: string,
    operations: readonly (PutOperation | DelOperation)[],
    published?: Generation
  ): Promise<void> {
    const { live, inDoubt } = this.#space
    const doubtful = inDoubt.get(key) ?? []
    const before = await this.#currentGeneration(key)
    const garbage = before === undefined ? doubtful : [...doubtful, before]
    const entries = garbage.map((generation): PutOperation => ({
      type: 'put',
      key: garbageKey(generation),
      value: Buffer.alloc(0)
    }))
    try {
      await this.#level.batch([...operations, ...entries], { sync: true })
    } catch (error) {
      if (isRefusal(error)) throw error
      // The new generation stays marked as being written: if its chunks were deleted now, replaying the log might restore its manifest without them.
      if (published !== undefined) inDoubt.set(key, [...doubtful, published])
      const lookForOrphans = () => void (this.#space.mayHaveOrphans = true)
      lookForOrphans()
      for (const generation of garbage) live.whenUnread(generation, lookForOrphans) // A search meanwhile passes over what is being read.
      throw error
    }
    inDoubt.delete(key)
    for (const generation of doubtful) live.endWriting(generation)
    for (const generation of garbage) {
      if (!live.whenUnread(generation, () => void this.#discard(generation))) await this.#discard(generation)
    }
  }

  async #currentGeneration(key: string): Promise<Generation | undefined> {
    try {
      return (await this.find(key))?.generation
    } catch (error) {
      // A damaged blob can be replaced and deleted, though its chunks are no longer known.
      if (error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION') return undefined
      throw error
    }
  }

  /** Never rejects: a failure only costs space until orphans are deleted, and the caller's own work is done, or has failed for another reason. */
  async #discard(generation: Generation, failed: readonly Buffer[] = []): Promise<void> {
    try {
      await discard(this.#level, generation, failed)
    } catch {
      if (failed.length > 0) this.#space.hidden.set(nameOf(generation), failed)
      this.#space.mayHaveOrphans = true
    }
  }
}
