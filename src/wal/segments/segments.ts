import { LRUCache } from 'lru-cache'
import { outOfRange } from '../../errors.js'
import { type File, type FileSystem, isMissing } from '../../fs/file-system.js'
import { Lane } from '../../lane.js'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, segmentSeed } from '../format/format.js'
import type { WalObserver } from '../observer.js'
import { FrameIndex } from './frame-index.js'
import { OpenFiles } from './open-files.js'
import type { RecoveredSegment, Run } from './recovered-segment.js'
import { type LogDirectory, segmentPath } from './segment-files.js'

/** A segment that readers may read. */
export interface Segment {
  readonly id: number
  /** See `segmentSeed`. */
  readonly seed: number
  readonly firstSequence: number
  lastSequence: number
  /** The parts of its file that may be read. In the open segment, the last of them grows. */
  runs: readonly Run[]
  /** How many readers hold the segment. While it is above 0, the segment is not deleted. */
  pins: number
}

/** Where a frame was written. */
export interface WrittenFrame {
  readonly segment: number
  readonly offset: number
  readonly firstSequence: number
}

/** How many indexes of sealed segments are kept in memory. */
const MAX_INDEXES = 16

/** The segments of a log, oldest first, with their indexes. */
export class Segments {
  readonly #fs: FileSystem
  readonly #directory: string
  readonly #storeId: Uint8Array
  readonly #list: Segment[] = []
  readonly #indexes = new LRUCache<number, FrameIndex>({ max: MAX_INDEXES })
  readonly #files: OpenFiles
  readonly #observer: WalObserver
  readonly #deletions = new Lane()
  /** Whether a deletion, of this process or an earlier one, may not be on stable storage yet. */
  #hasUnsyncedDeletion = true
  /** Index of the open segment, which is written to. */
  #openIndex: { readonly id: number; readonly index: FrameIndex } | undefined

  constructor(
    { fs, directory }: LogDirectory,
    storeId: Uint8Array,
    recovered: readonly RecoveredSegment[],
    observer: WalObserver
  ) {
    this.#observer = observer
    this.#fs = fs
    this.#directory = directory
    this.#storeId = storeId
    this.#files = new OpenFiles({ fs, directory })
    for (const { id, seed, firstSequence, runs, index } of recovered) {
      this.#list.push({ id, seed, firstSequence, lastSequence: index.lastSequence, runs, pins: 0 })
      this.#indexes.set(id, index)
    }
  }

  get count(): number {
    return this.#list.length
  }

  get first(): Segment | undefined {
    return this.#list[0]
  }

  get last(): Segment | undefined {
    return this.#list.at(-1)
  }

  /** About how many bytes all segments have: what cannot be read, as their seals, is not counted. */
  get bytes(): number {
    return this.#list.reduce((sum, segment) => sum + endOf(segment), 0)
  }

  byId(id: number): Segment | undefined {
    const guess = this.#list[id - (this.#list[0]?.id ?? 0)]
    return guess?.id === id ? guess : this.#list.find(segment => segment.id === id) // After salvage, some may be missing.
  }

  /** The next segment after one, if there is one. */
  after(id: number): Segment | undefined {
    return this.byId(id + 1) ?? this.#list.find(segment => segment.id > id)
  }

  /** The segment that holds a record, if there is one. */
  bySequence(sequence: number): Segment | undefined {
    const list = this.#list
    let low = 0
    let high = list.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (list[middle]!.firstSequence <= sequence) low = middle
      else high = middle - 1
    }
    const found = list[low]
    return found !== undefined && sequence >= found.firstSequence && sequence <= found.lastSequence ? found : undefined
  }

  /** The oldest segment with a record above a number. */
  firstAbove(sequence: number): Segment | undefined {
    return this.#list.find(({ lastSequence }) => lastSequence > sequence)
  }

  /** Adds a segment that was begun. */
  began(id: number, firstSequence: number): Segment {
    const segment = {
      id,
      seed: segmentSeed(this.#storeId, id),
      firstSequence,
      lastSequence: firstSequence - 1,
      runs: [{ from: SEGMENT_HEADER_BYTES, to: SEGMENT_HEADER_BYTES }],
      pins: 0
    }
    this.#list.push(segment)
    if (this.#openIndex !== undefined) this.#indexes.set(this.#openIndex.id, this.#openIndex.index)
    this.#openIndex = { id, index: new FrameIndex(firstSequence) }
    return segment
  }

  /**
   * Adds a frame that was written, and its segment if it is the first in it.
   *
   * @param count number of its records; 0 for a frame that readers of records skip
   */
  written({ segment: id, offset, firstSequence }: WrittenFrame, storedBytes: number, count: number): void {
    const { last } = this
    const segment = last?.id === id ? last : this.began(id, firstSequence)
    if (count > 0) {
      this.#openIndex!.index.add(offset, firstSequence, count)
      segment.lastSequence = firstSequence + count - 1
    }
    segment.runs = [{ from: SEGMENT_HEADER_BYTES, to: offset + FRAME_HEADER_BYTES + storedBytes }]
  }

  /** The index of a segment, if it is in memory. */
  indexOf(id: number): FrameIndex | undefined {
    return this.#openIndex?.id === id ? this.#openIndex.index : this.#indexes.get(id)
  }

  keepIndex(id: number, index: FrameIndex): void {
    this.#indexes.set(id, index)
  }

  /** Runs `work` with the file of a segment, which is not deleted meanwhile. */
  read<T>(segment: Segment, work: (file: File) => Promise<T>): Promise<T> {
    return pinned(segment, () => this.#files.use(segment.id, work))
  }

  /**
   * Deletes segments below `id`, oldest first, and stops at one that a reader holds. Also stops where an id is missing in the list: if the file of a
   * segment is there that the list lacks, deleting those around it would leave a gap, and recovery refuses a log with a gap. The last segment always
   * stays, because it knows the sequence numbers. One call after another: it must not be left to chance which of two files is gone after a power cut.
   *
   * @returns how many were deleted
   */
  deleteBefore(id: number): Promise<number> {
    return this.#deletions.run(() => this.#deleteBefore(id))
  }

  async #deleteBefore(id: number): Promise<number> {
    const start = performance.now()
    let deleted = 0
    try {
      for (let oldest = this.#deletable(id); oldest !== undefined; oldest = this.#deletable(id)) {
        // Before the next one: were that gone after a power cut and the one before it not, the log would look damaged.
        if (!this.#hasUnsyncedDeletion) {
          await this.#delete(oldest)
          deleted++
        }
        await this.#syncDeletions()
      }
    } finally {
      if (deleted > 0) this.#observer.deleted(deleted, performance.now() - start)
    }
    return deleted
  }

  /** The oldest segment, if it may be deleted. Asked again after each wait: a reader may have reached it. */
  #deletable(below: number): Segment | undefined {
    const [oldest, next] = this.#list
    if (oldest === undefined || oldest.id >= below || oldest.pins > 0 || next?.id !== oldest.id + 1) return undefined
    return oldest
  }

  async #syncDeletions(): Promise<void> {
    await this.#fs.syncDirectory(this.#directory)
    this.#hasUnsyncedDeletion = false
  }

  async #delete(oldest: Segment): Promise<void> {
    this.#list.shift() // Before the file is removed, so that no reader begins with it.
    this.#hasUnsyncedDeletion = true
    try {
      await this.#fs.remove(segmentPath(this.#directory, oldest.id))
    } catch (error) {
      if (!isMissing(error)) {
        this.#list.unshift(oldest)
        throw error
      }
    }
    this.#files.forget(oldest.id)
    this.#indexes.delete(oldest.id)
  }

  /** Also waits for deletions under way. */
  async close(): Promise<void> {
    await this.#deletions.idle()
    await this.#files.close()
  }
}

/** The offset in a segment's file at which its readable part ends. */
export function endOf({ runs }: Pick<Segment, 'runs'>): number {
  return runs.at(-1)!.to
}

/** Runs `work` while the segment cannot be deleted. */
export async function pinned<T>(segment: Segment, work: () => Promise<T>): Promise<T> {
  segment.pins++
  try {
    return await work()
  } finally {
    segment.pins--
  }
}

export function noSuchSegment(id: number): Error {
  return outOfRange(`The log has no segment ${id}: it was deleted, or never written`)
}
