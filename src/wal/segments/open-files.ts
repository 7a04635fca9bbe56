import { LRUCache } from 'lru-cache'
import type { File } from '../../fs/file-system.js'
import { type LogDirectory, segmentPath } from './segment-files.js'

/** How many files are kept open for reading. */
const MAX_OPEN_FILES = 16

interface OpenFile {
  readonly file: Promise<File>
  users: number
  /** Whether it is to be closed when its last user is done. */
  evicted: boolean
  closing: Promise<void> | undefined
}

/** The files of segments that are open for reading single records. */
export class OpenFiles {
  readonly #directory: LogDirectory
  readonly #files = new LRUCache<number, OpenFile>({ max: MAX_OPEN_FILES, dispose: open => void evict(open) })

  constructor(directory: LogDirectory) {
    this.#directory = directory
  }

  /** Runs `work` with a segment's file, which stays open for the next call. */
  async use<T>(id: number, work: (file: File) => Promise<T>): Promise<T> {
    const open = this.#files.get(id) ?? this.#open(id)
    open.users++
    try {
      return await work(await open.file)
    } catch (error) {
      // The segment was deleted meanwhile, or could not be opened: the next call opens it again.
      if (open.users === 1) this.#files.delete(id)
      throw error
    } finally {
      open.users--
      if (open.evicted) await closeUnused(open)
    }
  }

  /** Closes the file of a segment that was deleted. */
  forget(id: number): void {
    this.#files.delete(id)
  }

  async close(): Promise<void> {
    const open = [...this.#files.values()]
    this.#files.clear() // Begins to close them.
    await Promise.all(open.map(closeUnused))
  }

  #open(id: number): OpenFile {
    const { fs, directory } = this.#directory
    const file = fs.open(segmentPath(directory, id), 'read')
    const open: OpenFile = { file, users: 0, evicted: false, closing: undefined }
    this.#files.set(id, open)
    return open
  }
}

function evict(open: OpenFile): Promise<void> {
  open.evicted = true
  return closeUnused(open)
}

async function closeUnused(open: OpenFile): Promise<void> {
  if (open.users === 0) await (open.closing ??= closeFile(open))
}

async function closeFile({ file }: OpenFile): Promise<void> {
  const opened = await file.catch(() => undefined)
  await opened?.close().catch(() => {}) // It was only read.
}
