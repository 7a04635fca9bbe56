import type { File } from '../../fs/file-system.js'
import { pieces } from './read-fully.js'
import { writeAll } from './write-all.js'

/*
 * Preallocation: zeros after the last frame. When a file has grown, an fdatasync also commits the file system's journal, and with it what other
 * processes have written. When zeros were only overwritten, it does not.
 */

/** A preallocated segment ends at a multiple of this: zeros that end elsewhere are a torn end. */
export const ALLOCATION_BYTES = 256 * 1024

/** A group of frames, written and then synced, counts as small up to this size. With a larger one the journal matters little. */
const SMALL_BYTES = 16 * 1024
/** A segment is preallocated after this many small groups. One that is synced only now and then is not: it stays as long as its frames. */
const MANY_SMALL = 64

const ZEROS = Buffer.alloc(ALLOCATION_BYTES)

/** Preallocates a segment that is synced often, in small groups. */
export class Allocation {
  readonly #file: File
  /** How many small groups were written. */
  #small = 0
  /** Where the zeros end; 0 if there are none. */
  #end = 0

  constructor(file: File) {
    this.#file = file
  }

  /** Called before a group of `bytes` bytes, written up to `offset`, is synced. */
  async written(bytes: number, offset: number): Promise<void> {
    if (bytes > SMALL_BYTES || ++this.#small < MANY_SMALL || offset <= this.#end) return
    this.#end = (Math.floor(offset / ALLOCATION_BYTES) + 1) * ALLOCATION_BYTES
    try {
      await writeAll(this.#file, ZEROS.subarray(0, this.#end - offset), offset)
    } catch {
      // The disk is full, or nearly: what is left of it is for frames. If the disk has failed, writing frames will show it.
      this.#small = -Infinity
      await this.giveBack(offset).catch(() => {})
    }
  }

  /** Cuts the zeros off: the file ends with its last frame again. */
  async giveBack(offset: number): Promise<void> {
    if (this.#end > offset) await this.#file.truncate(offset)
    this.#end = 0
  }
}

/** Whether what lies after the last frame of a segment was preallocated. */
export async function isAllocated(file: File, from: number, size: number): Promise<boolean> {
  const mayBe = size % ALLOCATION_BYTES === 0 && size - from <= ALLOCATION_BYTES
  return mayBe && (await isAllZeros(file, from, size))
}

export async function isAllZeros(file: File, from: number, to: number): Promise<boolean> {
  for await (const { bytes } of pieces(file, from, to, 0)) if (bytes.some(byte => byte !== 0)) return false
  return true
}
