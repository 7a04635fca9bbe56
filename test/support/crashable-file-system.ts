import { posix } from 'node:path'
import type { File, FileSystem, OpenMode } from '../../src/fs/file-system.js'
import { Contents, Directory, Inode, type NamesChange, type Unsynced } from './crashable-disk.js'
import { OpenFile, Process } from './crashable-process.js'
import { errnoError } from './errno-error.js'
import { seededRandom } from './seeded-random.js'

export { SimulatedCrash } from './crashable-process.js'

/**
 * Files in memory, and beside them what a power cut would leave. A call takes effect a turn after it was made, so that a sync does not
 * cover a write which nobody awaited.
 */
export class CrashableFileSystem implements FileSystem {
  readonly #directories = new Map([['/', new Directory()]])
  readonly #process = new Process()

  /** Calls so far that changed something. */
  get steps(): number {
    return this.#process.steps
  }

  /** Files opened and not closed. */
  get openHandles(): number {
    return this.#process.openHandles
  }

  /**
   * The process dies at that step, the first being 1: before it takes effect, or midway, when a write or a sync has done half of its
   * work and what is atomic has happened, though nobody is told.
   */
  crashAt(step: number, { midway = false } = {}): void {
    this.#process.crashStep = step
    this.#process.crashMidway = midway
  }

  /** A sync of a file waits for this before it takes effect; what it covers is what was written when it was called. */
  delaySyncs(wait: () => Promise<void>): void {
    this.#process.delaySync = wait
  }

  /** The process dies now. */
  crash(): void {
    this.#process.isDead = true
  }

  /** What the disk holds after a power cut at this moment, for a process that starts anew. `seed` decides for 'some'. */
  afterCrash({ unsynced, seed = 0 }: { unsynced: Unsynced; seed?: number }): CrashableFileSystem {
    const random = seededRandom(seed)
    return this.#copy(
      directory => new Directory(directory.afterCrash(unsynced, random)),
      inode => new Inode(inode.afterCrash(unsynced, random))
    )
  }

  /** The same files, synced or not, for another process: alive, nothing open, no step done. */
  clone(): CrashableFileSystem {
    return this.#copy(
      directory => directory.clone(),
      inode => inode.clone()
    )
  }

  /** A copy of a file as the process sees it. */
  file(path: string): Buffer {
    return Buffer.from(this.#find(path, 'open').current.bytes)
  }

  /** Makes or replaces a file, its directories with it, all of it synced; not a step. */
  put(path: string, bytes: Uint8Array): void {
    for (const missing of this.#missing(posix.dirname(full(path)))) this.#directories.set(missing, new Directory())
    const { directory, name } = this.#place(path, 'open')
    directory.change([[name, new Inode(new Contents(bytes))]])
    directory.sync()
  }

  /** Of all files, in order. */
  paths(): string[] {
    const paths = [...this.#directories].flatMap(([path, { entries }]) =>
      Array.from(entries.keys(), name => posix.join(path, name))
    )
    return paths.sort()
  }

  async open(path: string, mode: OpenMode): Promise<File> {
    await this.#process.turn()
    if (mode !== 'create') return new OpenFile(this.#process, this.#find(path, 'open'), mode, path)
    const { directory, name } = this.#vacancy(path, 'open')
    const inode = new Inode()
    this.#process.step(() => directory.change([[name, inode]]))
    return new OpenFile(this.#process, inode, mode, path)
  }

  async createWith(path: string, bytes: Uint8Array): Promise<void> {
    await this.#process.turn()
    const { directory, name } = this.#vacancy(path, 'link')
    const inode = new Inode(new Contents(bytes))
    this.#process.step(
      () => {
        directory.change([[name, inode]])
        directory.sync()
      },
      () => {
        // As on a real disk: the draft that was to become the file may stay beside it, or alone.
        directory.change([[`${name}.1.${this.steps}`, inode]])
        directory.change([[name, inode]])
      }
    )
  }

  async readFile(path: string): Promise<Uint8Array> {
    await this.#process.turn()
    return this.file(path)
  }

  /** Within a directory only (EXDEV): its entries are one list of changes. */
  async rename(from: string, to: string): Promise<void> {
    await this.#process.turn()
    const inode = this.#find(from, 'rename')
    const old = this.#place(from, 'rename')
    const { directory, name } = this.#place(to, 'rename')
    if (directory !== old.directory) throw errnoError('EXDEV', 'rename', from)
    if (this.#directories.has(full(to))) throw errnoError('EISDIR', 'rename', to)
    const changes: NamesChange = [
      [old.name, undefined],
      [name, inode]
    ]
    this.#process.step(() => directory.change(changes))
  }

  async remove(path: string): Promise<void> {
    await this.#process.turn()
    this.#find(path, 'unlink')
    const { directory, name } = this.#place(path, 'unlink')
    this.#process.step(() => directory.change([[name, undefined]]))
  }

  async list(path: string): Promise<string[]> {
    await this.#process.turn()
    const names = [...this.#directory(path, 'scandir').entries.keys()]
    for (const other of this.#directories.keys()) {
      if (other !== '/' && posix.dirname(other) === full(path)) names.push(posix.basename(other))
    }
    return names
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#process.turn()
    const missing = this.#missing(full(path))
    if (missing.length === 0) return
    const make = (paths: string[]) => paths.forEach(made => this.#directories.set(made, new Directory()))
    this.#process.step(
      () => make(missing),
      () => make(missing.slice(0, 1))
    )
  }

  async syncDirectory(path: string): Promise<void> {
    const end = this.#directories.get(full(path))?.changes.end ?? 0
    await this.#process.turn()
    const directory = this.#directory(path, 'open')
    this.#process.step(
      () => directory.sync(end),
      () => directory.sync(directory.changes.middle(end))
    )
  }

  /** A file keeps to one inode whatever number of names and changes speak of it. */
  #copy(copyOf: (directory: Directory) => Directory, inodeOf: (inode: Inode) => Inode): CrashableFileSystem {
    const other = new CrashableFileSystem()
    const copies = new Map<Inode, Inode>()
    for (const [path, directory] of this.#directories) {
      const copy = copyOf(directory)
      copy.replaceInodes(inode => {
        const known = copies.get(inode) ?? inodeOf(inode)
        copies.set(inode, known)
        return known
      })
      other.#directories.set(path, copy)
    }
    return other
  }

  #directory(path: string, syscall: string): Directory {
    const directory = this.#directories.get(full(path))
    if (directory !== undefined) return directory
    throw errnoError(this.#isFile(full(path)) ? 'ENOTDIR' : 'ENOENT', syscall, path)
  }

  #place(path: string, syscall: string): { directory: Directory; name: string } {
    return { directory: this.#directory(posix.dirname(full(path)), syscall), name: posix.basename(full(path)) }
  }

  /** A place that no file has. */
  #vacancy(path: string, syscall: string): { directory: Directory; name: string } {
    const place = this.#place(path, syscall)
    if (place.directory.entries.has(place.name) || this.#directories.has(full(path))) {
      throw errnoError('EEXIST', syscall, path)
    }
    return place
  }

  #find(path: string, syscall: string): Inode {
    if (this.#directories.has(full(path))) throw errnoError('EISDIR', syscall, path)
    const { directory, name } = this.#place(path, syscall)
    const inode = directory.entries.get(name)
    if (inode === undefined) throw errnoError('ENOENT', syscall, path)
    return inode
  }

  #isFile(path: string): boolean {
    return this.#directories.get(posix.dirname(path))?.entries.has(posix.basename(path)) ?? false
  }

  /** The directories that a path lacks, the uppermost first. */
  #missing(path: string): string[] {
    const missing: string[] = []
    for (let at = path; !this.#directories.has(at); at = posix.dirname(at)) {
      if (this.#isFile(at)) throw errnoError(at === path ? 'EEXIST' : 'ENOTDIR', 'mkdir', path)
      missing.unshift(at)
    }
    return missing
  }
}

function full(path: string): string {
  return posix.resolve('/', path)
}
