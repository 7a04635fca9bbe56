import type { File, OpenMode } from '../../src/fs/file-system.js'
import type { Inode } from './crashable-disk.js'
import { errnoError } from './errno-error.js'

/** What every call throws from the crash on. */
export class SimulatedCrash extends Error {
  override name = 'SimulatedCrash'
}

/** Lives until its crash, and counts what it did. */
export class Process {
  steps = 0
  openHandles = 0
  crashStep = Infinity
  crashMidway = false
  /** What a sync of a file waits for, once it is called and before it takes effect. */
  delaySync: (() => Promise<void>) | undefined
  isDead = false

  async turn(): Promise<void> {
    await undefined
    this.live()
  }

  live(): void {
    if (this.isDead) throw new SimulatedCrash(`The process died at step ${this.steps}`)
  }

  /** @param half What a crash midway leaves done. */
  step(act: () => void, half = act): void {
    this.live() // A call that was under way when it died.
    this.steps++
    this.isDead = this.steps === this.crashStep
    if (!this.isDead) return act()
    if (this.crashMidway) half()
    this.live()
  }
}

/** Holds the inode: what becomes of the name is nothing to it. */
export class OpenFile implements File {
  readonly #process: Process
  readonly #inode: Inode
  readonly #mode: OpenMode
  readonly #path: string
  #isOpen = true

  constructor(process: Process, inode: Inode, mode: OpenMode, path: string) {
    this.#process = process
    this.#inode = inode
    this.#mode = mode
    this.#path = path
    process.openHandles++
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    await this.#turn('read')
    const bytes = this.#inode.current.bytes.subarray(position, position + into.length)
    into.set(bytes)
    return bytes.length
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    await this.#process.turn()
    return this.writeSync(bytes, position)
  }

  writeSync(bytes: Uint8Array, position: number): number {
    this.#process.live()
    this.#mustBeOpen('write')
    if (this.#mode === 'read') throw errnoError('EBADF', 'write', this.#path)
    this.#process.step(
      () => this.#inode.write(bytes, position),
      () => this.#inode.write(bytes.subarray(0, bytes.length >>> 1), position)
    )
    return bytes.length
  }

  async size(): Promise<number> {
    await this.#turn('fstat')
    return this.#inode.current.size
  }

  async truncate(size: number): Promise<void> {
    await this.#turn('ftruncate')
    if (this.#mode === 'read') throw errnoError('EINVAL', 'ftruncate', this.#path)
    this.#process.step(() => this.#inode.truncate(size))
  }

  async sync(): Promise<void> {
    const { end } = this.#inode.writes
    await this.#process.delaySync?.()
    await this.#turn('fdatasync')
    this.#process.step(
      () => this.#inode.sync(end),
      () => this.#inode.sync(this.#inode.writes.middle(end))
    )
  }

  async close(): Promise<void> {
    await this.#turn('close')
    this.#isOpen = false
    this.#process.openHandles--
  }

  async #turn(syscall: string): Promise<void> {
    await this.#process.turn()
    this.#mustBeOpen(syscall)
  }

  #mustBeOpen(syscall: string): void {
    if (!this.#isOpen) throw errnoError('EBADF', syscall, this.#path)
  }
}
