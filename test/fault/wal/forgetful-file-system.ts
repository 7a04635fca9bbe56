import type { File, FileSystem, OpenMode } from '../../../src/fs/file-system.js'
import { errnoError } from '../../support/errno-error.js'

/** Bytes on their way to the disk that one sync failed to bring there. */
interface Content {
  forgotten: boolean
}

/**
 * Another file system on a disk that fails once, as Linux shows it: the sync that fails throws, the bytes count as written from then
 * on, and every later sync of the same file succeeds though they never reach the disk.
 */
export class ForgetfulFileSystem implements FileSystem {
  readonly #inner: FileSystem
  readonly #contents = new Map<string, Content>()
  /** Which sync of a file fails, the first being 1. */
  readonly #failing: number
  /** Syncs of files so far. */
  syncs = 0

  constructor(inner: FileSystem, failingSync: number) {
    this.#inner = inner
    this.#failing = failingSync
  }

  async open(path: string, mode: OpenMode): Promise<File> {
    const file = await this.#inner.open(path, mode)
    const content = mode === 'create' ? undefined : this.#contents.get(path)
    const known = content ?? { forgotten: false }
    this.#contents.set(path, known)
    return {
      read: (into, position) => file.read(into, position),
      write: (bytes, position) => file.write(bytes, position),
      writeSync: (bytes, position) => file.writeSync(bytes, position),
      size: () => file.size(),
      truncate: size => file.truncate(size),
      close: () => file.close(),
      sync: async () => {
        if (++this.syncs === this.#failing) {
          known.forgotten = true
          throw errnoError('EIO', 'fdatasync', path)
        }
        if (!known.forgotten) await file.sync()
      }
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#inner.rename(from, to)
    const content = this.#contents.get(from)
    this.#contents.delete(from)
    if (content === undefined) this.#contents.delete(to)
    else this.#contents.set(to, content)
  }

  async remove(path: string): Promise<void> {
    await this.#inner.remove(path)
    this.#contents.delete(path)
  }

  createWith(path: string, bytes: Uint8Array): Promise<void> {
    return this.#inner.createWith(path, bytes)
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#inner.readFile(path)
  }

  list(directory: string): Promise<string[]> {
    return this.#inner.list(directory)
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#inner.makeDirectory(directory)
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#inner.syncDirectory(directory)
  }
}
