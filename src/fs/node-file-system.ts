import * as fs from 'node:fs'
import { dirname, resolve as absolute } from 'node:path'
import type { File, FileSystem, OpenMode } from './file-system.js'

const FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', write: 'r+', create: 'wx+' }

/** The disk, through `node:fs`. */
export const nodeFileSystem: FileSystem = {
  async open(path, mode) {
    return new NodeFile(await open(path, FLAGS[mode]))
  },

  async createWith(path, bytes) {
    // A link, unlike a file that is opened and then written, appears together with its contents. It also never replaces a file.
    const draft = `${path}.${process.pid}.${String(process.hrtime.bigint())}`
    try {
      await writeNew(draft, bytes)
      await fs.promises.link(draft, path).catch((error: unknown) => {
        if (codeOf(error) === 'EEXIST') throw error
        // The file system has no hard links, for which each such has a code of its own. The draft has shown that files can be made here.
        return writeNew(path, bytes)
      })
    } finally {
      await fs.promises.rm(draft, { force: true }).catch(() => {}) // A draft that stays does no harm.
    }
    try {
      await syncDirectory(dirname(path))
    } catch (error) {
      await fs.promises.rm(path, { force: true })
      throw error
    }
  },

  readFile: path => fs.promises.readFile(path),
  rename: (from, to) => fs.promises.rename(from, to),
  remove: path => fs.promises.unlink(path),
  list: directory => fs.promises.readdir(directory),

  async makeDirectory(path) {
    const directory = absolute(path)
    const first = await fs.promises.mkdir(directory, { recursive: true })
    // This is done for a directory that existed as well: whoever made it may have died before its name was durable.
    for (let made = directory; ; made = dirname(made)) {
      await syncDirectory(dirname(made)).catch((error: unknown) => {
        if (first !== undefined || codeOf(error) !== 'EACCES') throw error // The process may have no right to open a parent that existed.
      })
      if (first === undefined || made === absolute(first) || made === dirname(made)) return
    }
  },

  syncDirectory
}

/** Windows can neither open nor sync a directory; NTFS journals its entries. Some network shares cannot sync one. */
const NO_DIRECTORY_SYNC: ReadonlySet<string> = new Set(['EISDIR', 'EINVAL', 'ENOTSUP'])

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.promises.open(directory, 'r')
  try {
    await syncFile(handle)
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.has(codeOf(error))) throw error
  } finally {
    await handle.close()
  }
}

/** Makes a file with these bytes, and syncs it. If that fails, the file is removed. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await fs.promises.open(path, 'wx')
  try {
    await handle.writeFile(bytes)
    await syncFile(handle)
  } catch (error) {
    await fs.promises.rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/** Syncs by the descriptor: under Yarn's Plug'n'Play, which puts a FileHandle of its own in place of Node.js's, that has no sync(). */
function syncFile({ fd }: fs.promises.FileHandle): Promise<void> {
  return settled(done => fs.fsync(fd, done))
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}

/** Uses a descriptor and callbacks: a FileHandle has no synchronous write, and its promises cost more. */
class NodeFile implements File {
  /** -1 once it is closed: the system gives the number to the next file. */
  #descriptor: number
  /** How many reads are under way. */
  #reads = 0
  #onRead: (() => void) | undefined

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  get #open(): number {
    if (this.#descriptor >= 0) return this.#descriptor
    throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' })
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#open, into, 0, into.length, position, (error, read) => {
        if (--this.#reads === 0) this.#onRead?.()
        if (error) reject(error)
        else resolve(read)
      })
      this.#reads++
    })
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#open, bytes, 0, bytes.length, position, (error, written) =>
        error ? reject(error) : resolve(written)
      )
    })
  }

  writeSync(bytes: Uint8Array, position: number): number {
    return fs.writeSync(this.#open, bytes, 0, bytes.length, position)
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#open, (error, stats) => (error ? reject(error) : resolve(stats.size)))
    })
  }

  truncate(size: number): Promise<void> {
    return settled(done => fs.ftruncate(this.#open, size, done))
  }

  sync(): Promise<void> {
    return settled(done => fs.fdatasync(this.#open, done))
  }

  async close(): Promise<void> {
    const descriptor = this.#open
    this.#descriptor = -1
    // A read that nobody awaits any more may be under way. If the file were closed now, it would read from the file that gets the number next.
    if (this.#reads > 0) await new Promise<void>(resolve => (this.#onRead = resolve))
    return settled(done => fs.close(descriptor, done))
  }
}

function open(path: string, flags: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, (error, descriptor) => (error ? reject(error) : resolve(descriptor)))
  })
}

function settled(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call(error => (error ? reject(error) : resolve())))
}
