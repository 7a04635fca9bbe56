import { corruption } from '../../errors.js'
import type { File, FileSystem } from '../../fs/file-system.js'
import { segmentPath } from '../segments/segment-files.js'
import { noSuchSegment, pinned, type Segment, type Segments } from '../segments/segments.js'
import { FrameReader, type RestoredFrame } from './frame-reader.js'
import { ChunkMemory, FrameScanner } from './frame-scanner.js'

/** Where a cursor begins: at a frame, or where the next one will be. */
export interface CursorStart {
  /** May be one that does not exist yet; 0 for the oldest there is. */
  readonly segment: number
  readonly offset: number
}

/** A frame that a cursor has reached. */
export interface FoundFrame extends RestoredFrame {
  readonly segment: number
  /** Set by salvage: the frame belongs to a snapshot that contains everything up to this record. */
  readonly snapshotSequence?: number | undefined
}

interface Current {
  readonly segment: Segment
  readonly file: File
  /** Index of the run that is being read. */
  run: number
  readonly scanner: FrameScanner
  frames: FrameReader
}

/** Reads the frames of a log one after another, from segment to segment. The segment that it is in is not deleted meanwhile. */
export class FrameCursor {
  readonly #fs: FileSystem
  readonly #directory: string
  readonly #segments: Segments
  /** Where to begin when the next segment is entered. */
  #start: CursorStart
  #current: Current | undefined
  #closed = false
  readonly #memory = new ChunkMemory()

  constructor(fs: FileSystem, directory: string, segments: Segments, start: CursorStart) {
    this.#fs = fs
    this.#directory = directory
    this.#segments = segments
    this.#start = start
  }

  /**
   * @returns undefined at the end of the log; there may be more frames later
   * @throws LEVEL_CORRUPTION for a frame that was damaged since the log was opened
   */
  async next(): Promise<FoundFrame | undefined> {
    try {
      return await this.#next()
    } catch (error) {
      if (this.#closed) return undefined // It failed because close() has closed the file.
      throw error
    }
  }

  async #next(): Promise<FoundFrame | undefined> {
    for (;;) {
      const current = this.#current ?? (await this.#enter(this.#segmentToEnter()))
      if (current === undefined) return undefined
      const { segment, scanner } = current
      const found = await current.frames.next()
      if (found !== undefined) {
        if ('badAt' in found) {
          throw corruption(`the frame at ${found.badAt} of segment ${segment.id} of the log: ${found.why}`)
        }
        return { ...found, segment: segment.id }
      }
      const { to } = segment.runs[current.run]!
      const following = this.#segments.after(segment.id)
      if (scanner.offset < to) scanner.extend(to)
      else if (current.run + 1 < segment.runs.length) this.#startRun(current, current.run + 1)
      else if (following === undefined) return undefined
      else await pinned(following, () => this.#move(following))
    }
  }

  /** May be called while a call of `next` is under way, which then returns undefined. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#leave()
  }

  async #move(following: Segment): Promise<void> {
    this.#current?.scanner.end() // close() does not: the scanner may be reading.
    await this.#leave()
    this.#start = { segment: following.id, offset: 0 }
    await this.#enter(following)
  }

  async #enter(segment: Segment | undefined): Promise<Current | undefined> {
    if (segment === undefined || this.#closed) return undefined
    segment.pins++
    try {
      const file = await this.#fs.open(segmentPath(this.#directory, segment.id), 'read')
      const { offset } = this.#start
      const run = Math.max(
        0,
        segment.runs.findIndex(({ to }) => offset <= to)
      )
      const { from, to } = segment.runs[run]!
      const scanner = new FrameScanner(file, segment.seed, { offset: Math.max(offset, from) }, to, this.#memory)
      this.#current = { segment, file, run, scanner, frames: framesOf(scanner) }
    } catch (error) {
      segment.pins--
      throw error
    }
    if (this.#closed) await this.#leave()
    return this.#current
  }

  #segmentToEnter(): Segment | undefined {
    const { first } = this.#segments
    const { segment: id } = this.#start
    if (id === 0) return first
    if (first !== undefined && id < first.id) throw noSuchSegment(id)
    return this.#segments.byId(id)
  }

  #startRun(current: Current, run: number): void {
    const { from, to } = current.segment.runs[run]!
    current.scanner.goTo(from)
    current.scanner.extend(to)
    current.run = run
    current.frames = framesOf(current.scanner)
  }

  async #leave(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    if (current === undefined) return
    current.segment.pins--
    await current.file.close()
  }
}

function framesOf(scanner: FrameScanner): FrameReader {
  return new FrameReader(scanner, { transient: false })
}
