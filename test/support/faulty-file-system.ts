import type { File, FileSystem, OpenMode } from '../../src/fs/file-system.js'
import { errnoError } from './errno-error.js'
import { Gate } from './gate.js'

/** 'write' is both forms of it, 'writeSync' the synchronous one alone. */
export type FileCall = Exclude<keyof FileSystem | keyof File, symbol>

/** Each of them, but for the synchronous form of `write`. */
export const FILE_CALLS: readonly FileCall[] = [
  'open',
  'createWith',
  'readFile',
  'rename',
  'remove',
  'list',
  'makeDirectory',
  'syncDirectory',
  'read',
  'write',
  'size',
  'truncate',
  'sync',
  'close'
]

export interface Failure {
  /** Of the error, as 'EIO'. */
  readonly code: string
  /** How many calls fail. @default 1 */
  readonly times?: number
  /** How many calls succeed before. @default 0 */
  readonly after?: number
  /** Which files; of a rename, either name. @default all */
  readonly path?: RegExp
}

/** Lets the held call go on. */
interface Release {
  (): void
  /** Resolves when a call is held. */
  readonly reached: Promise<void>
}

interface Rule {
  readonly call: FileCall
  readonly code: string
  readonly path: RegExp
  after: number
  times: number
}

/** A file that was opened or made through this file system. */
interface KnownFile {
  path: string
  size: number
}

/** Another file system with faults that a test scripts. A call that fails does not reach the other one, but for `close`. */
export class FaultyFileSystem implements FileSystem {
  readonly #inner: FileSystem
  readonly #known = new Map<string, KnownFile>()
  readonly #held = new Map<FileCall, Gate[]>()
  #rules: Rule[] = []
  #capacity = Infinity
  #maxWrite = Infinity
  #maxRead = Infinity
  /** How often each was called. */
  readonly calls: Partial<Record<FileCall, number>> = {}

  constructor(inner: FileSystem) {
    this.#inner = inner
  }

  /** @returns takes the rule away */
  fail(call: FileCall, { code, times = 1, after = 0, path = /(?:)/ }: Failure): () => void {
    const rule: Rule = { call, code, times, after, path }
    this.#rules.push(rule)
    return () => void (this.#rules = this.#rules.filter(other => other !== rule))
  }

  /** A write takes so many bytes at most; Infinity for all again. */
  shortWrites(maxBytes: number): void {
    this.#maxWrite = maxBytes
  }

  /** A read gives so many bytes at most; Infinity for all again. */
  shortReads(maxBytes: number): void {
    this.#maxRead = maxBytes
  }

  /** What the files opened or made through this file system can hold together; Infinity for any amount. */
  capacity(bytes: number): void {
    this.#capacity = bytes
  }

  /** The next such call waits, then goes on as scripted. A synchronous write cannot wait: it passes. */
  hold(call: Exclude<FileCall, 'writeSync'>): Release {
    const gate = new Gate()
    this.#held.set(call, [...(this.#held.get(call) ?? []), gate])
    return Object.assign(() => gate.open(), { reached: gate.reached })
  }

  open(path: string, mode: OpenMode): Promise<File> {
    return this.#run('open', [path], async () => {
      const file = await this.#inner.open(path, mode)
      return new FaultyFile(this.#script, file, this.#know(path, await file.size()))
    })
  }

  createWith(path: string, bytes: Uint8Array): Promise<void> {
    return this.#run('createWith', [path], async () => {
      if (bytes.length > this.#room()) throw errnoError('ENOSPC', 'createWith', path)
      await this.#inner.createWith(path, bytes)
      this.#know(path, bytes.length)
    })
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#run('readFile', [path], () => this.#inner.readFile(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('rename', [from, to], async () => {
      await this.#inner.rename(from, to)
      const known = this.#known.get(from)
      this.#known.delete(from)
      this.#known.delete(to)
      if (known === undefined) return
      known.path = to
      this.#known.set(to, known)
    })
  }

  remove(path: string): Promise<void> {
    return this.#run('remove', [path], async () => {
      await this.#inner.remove(path)
      this.#known.delete(path)
    })
  }

  list(directory: string): Promise<string[]> {
    return this.#run('list', [directory], () => this.#inner.list(directory))
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#run('makeDirectory', [directory], () => this.#inner.makeDirectory(directory))
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#run('syncDirectory', [directory], () => this.#inner.syncDirectory(directory))
  }

  readonly #script: Script = {
    run: (call, path, act) => this.#run(call, [path], act),
    runSync: (call, path, act) => {
      this.#count(call)
      this.#count('write')
      this.#mayFail(call, [path])
      this.#mayFail('write', [path])
      return act()
    },
    readable: length => Math.min(length, this.#maxRead),
    writable: (file, length, position) => {
      const growth = Math.max(0, position + length - file.size)
      const fitting = length - Math.max(0, growth - this.#room())
      if (fitting <= 0 && length > 0) throw errnoError('ENOSPC', 'write', file.path)
      return Math.min(fitting, this.#maxWrite)
    }
  }

  async #run<T>(call: FileCall, paths: string[], act: () => Promise<T>): Promise<T> {
    this.#count(call)
    await this.#held.get(call)?.shift()?.wait()
    this.#mayFail(call, paths)
    return act()
  }

  #count(call: FileCall): void {
    this.calls[call] = (this.calls[call] ?? 0) + 1
  }

  #mayFail(call: FileCall, paths: string[]): void {
    for (const rule of this.#rules) {
      if (rule.call !== call || !paths.some(path => path.search(rule.path) >= 0)) continue
      if (rule.after > 0) rule.after--
      else if (rule.times > 0) {
        rule.times--
        throw errnoError(rule.code, call, paths[0]!)
      }
    }
  }

  #know(path: string, size: number): KnownFile {
    const known = this.#known.get(path) ?? { path, size }
    this.#known.set(path, known)
    return known
  }

  #room(): number {
    let room = this.#capacity
    for (const { size } of this.#known.values()) room -= size
    return Math.max(0, room)
  }
}

/** What an open file asks of its file system. */
interface Script {
  run<T>(call: keyof File, path: string, act: () => Promise<T>): Promise<T>
  runSync<T>(call: 'writeSync', path: string, act: () => T): T
  /** How many of the bytes are read. */
  readable(length: number): number
  /** How many of the bytes may be written; ENOSPC if none. */
  writable(file: KnownFile, length: number, position: number): number
}

class FaultyFile implements File {
  readonly #script: Script
  readonly #inner: File
  readonly #known: KnownFile

  constructor(script: Script, inner: File, known: KnownFile) {
    this.#script = script
    this.#inner = inner
    this.#known = known
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#run('read', () => this.#inner.read(into.subarray(0, this.#script.readable(into.length)), position))
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return this.#run('write', async () => {
      const allowed = bytes.subarray(0, this.#script.writable(this.#known, bytes.length, position))
      return this.#grown(position, await this.#inner.write(allowed, position))
    })
  }

  writeSync(bytes: Uint8Array, position: number): number {
    return this.#script.runSync('writeSync', this.#known.path, () => {
      const allowed = bytes.subarray(0, this.#script.writable(this.#known, bytes.length, position))
      return this.#grown(position, this.#inner.writeSync(allowed, position))
    })
  }

  size(): Promise<number> {
    return this.#run('size', () => this.#inner.size())
  }

  truncate(size: number): Promise<void> {
    return this.#run('truncate', async () => {
      await this.#inner.truncate(size)
      this.#known.size = size
    })
  }

  sync(): Promise<void> {
    return this.#run('sync', () => this.#inner.sync())
  }

  /** A descriptor is gone even if its close fails. */
  async close(): Promise<void> {
    try {
      await this.#run('close', () => Promise.resolve())
    } finally {
      await this.#inner.close()
    }
  }

  #run<T>(call: keyof File, act: () => Promise<T>): Promise<T> {
    return this.#script.run(call, this.#known.path, act)
  }

  #grown(position: number, written: number): number {
    if (written > 0) this.#known.size = Math.max(this.#known.size, position + written)
    return written
  }
}
