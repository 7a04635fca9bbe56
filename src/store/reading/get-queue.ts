import { Fifo } from '../../fifo.js'
import { TurnQueue } from '../../turn.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES } from '../backend/as-bytes.js'
import { supportsGetSync } from '../backend/backend.js'
import { SyncReads } from './sync-reads.js'

/**
 * Calls of the backend under way at once (more only before a write): twice as many as libuv has threads by default. With as many calls as threads,
 * a thread that is done would find nothing to do, go to sleep, and have to be woken.
 */
const MAX_CALLS = 8
/**
 * The most keys of one call. The first of many gets need not wait for the last then, and whatever else needs a thread, such as an fsync, need not
 * wait for all of them.
 */
const MAX_KEYS = 40
/** When this many gets are under way, the next goes to other threads, which answer many gets together as fast as the calling thread would. */
const MANY_UNDER_WAY = 16
/** How long gets may read on the calling thread in one turn of the event loop, in ms: long enough for some fifty values of 1 KiB. */
const MAX_TURN_MS = 0.5

interface Lookup {
  readonly key: Buffer
  readonly found: (stored: Uint8Array | undefined) => void
  readonly failed: (error: unknown) => void
}

/** Turns what is stored under a key into what the caller gets. The caller may use the memory of the key again once this returns. */
export type Open<T> = (stored: Uint8Array | undefined, key: Buffer) => T | Promise<T>

/**
 * Turns many gets into few calls of getMany: in Node.js most of the time of a get is spent on the way into the backend and back, once for each
 * call. While few gets are under way they are read on the calling thread, as long as that is faster; otherwise a get that is alone is a get of
 * the backend.
 */
export class GetQueue {
  readonly #backend: AnyLevel
  /** undefined if the backend has no getSync(). */
  readonly #syncReads: SyncReads | undefined
  readonly #turns = new TurnQueue(MAX_TURN_MS, 1)
  /** How many gets wait for a turn of the event loop, or for other threads. */
  #underWay = 0
  /** Gets for other threads that are in no call yet. */
  readonly #waiting = new Fifo<Lookup>()
  /** Calls of the backend under way. */
  #calls = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(backend: AnyLevel) {
    this.#backend = backend
    this.#syncReads = supportsGetSync(backend) ? new SyncReads() : undefined
  }

  /**
   * @param key copied if the get waits, since the caller may use its buffer again meanwhile
   * @param open called with what the backend has. It is called for all keys of one call of getMany before any of these gets resolves: restoring
   *   a value is faster right after another
   */
  get<T>(key: Buffer, open: Open<T>): Promise<T> {
    if (!this.#isReadHere()) return this.#ask(Buffer.from(key), open)
    return this.#turns.hasRoom(1) ? this.#readHere(key, open) : this.#readLater(Buffer.from(key), open)
  }

  /**
   * Reads on the calling thread, if a get would be read there now.
   *
   * @returns undefined if not, and if that failed: ask the backend
   */
  getHere(key: Buffer): { readonly stored: Uint8Array | undefined } | undefined {
    if (!this.#isReadHere() || !this.#turns.hasRoom(1)) return undefined
    try {
      return { stored: this.#read(key) }
    } catch {
      return undefined
    }
  }

  /**
   * Hands all gets that wait to the backend. Call right before the backend is changed: abstract-level promises, for databases with implicit
   * snapshots, that a get does not see a write that was called after it. The backend takes such a snapshot when it is called.
   */
  sendAll(): void {
    this.#turns.doAll()
    while (this.#waiting.length > 0) void this.#send(this.#waiting.take(MAX_KEYS))
  }

  /** Resolves when every get that was called before has been answered by the backend. */
  drain(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  /** Call before the get resolves: the caller's next get must not find this one still under way. */
  #answered(stored?: Uint8Array): void {
    this.#syncReads?.noticeSize(stored)
    this.#underWay--
    if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  // ---- on the calling thread

  /** Decides whether the next get is read here. */
  #isReadHere(): boolean {
    const reads = this.#syncReads
    return reads !== undefined && this.#underWay < MANY_UNDER_WAY && reads.mayRead()
  }

  async #readHere<T>(key: Buffer, open: Open<T>): Promise<T> {
    let stored: Uint8Array | undefined
    try {
      stored = this.#read(key)
    } catch {
      // The backend may say that it has getSync() and have none. Where the value cannot be read at all, get() fails as well, with its own error.
      return this.#ask(Buffer.from(key), open)
    }
    return open(stored, key)
  }

  #read(key: Buffer): Uint8Array | undefined {
    return this.#syncReads!.read(() => this.#backend.getSync<Buffer, Uint8Array>(key, AS_BYTES))
  }

  #readLater<T>(key: Buffer, open: Open<T>): Promise<T> {
    this.#underWay++
    return this.#turns.later(() => {
      // Decided again: the gets before it may have been slow.
      const answer = this.#syncReads!.mayRead() ? this.#readHere(key, open) : this.#ask(key, open)
      this.#answered()
      return answer
    })
  }

  // ---- on other threads

  /** @param key the queue's own */
  #ask<T>(key: Buffer, open: Open<T>): Promise<T> {
    this.#underWay++
    // The first get does not wait to see whether others come.
    if (this.#calls === 0 && this.#waiting.length === 0) return this.#askAlone(key, open)
    return new Promise<T>((resolve, reject) => {
      const found = (stored: Uint8Array | undefined): void => {
        this.#answered(stored)
        try {
          resolve(open(stored, key))
        } catch (error) {
          reject(error)
        }
      }
      const failed = (error: unknown): void => {
        this.#answered()
        reject(error)
      }
      this.#waiting.push({ key, found, failed })
      if (this.#scheduled) return
      this.#scheduled = true
      // In a microtask, so that it comes before a close() that is called next. Not by queueMicrotask, which the fake timers of a test replace.
      void Promise.resolve().then(() => {
        this.#scheduled = false
        this.#sendWaiting()
      })
    })
  }

  /** With as few promises as possible: the threads of the pool are asleep, and each µs until one is called is added to the wait for it. */
  #askAlone<T>(key: Buffer, open: Open<T>): Promise<T> {
    this.#calls++
    let answer: Promise<Uint8Array | undefined>
    try {
      answer = this.#backend.get<Buffer, Uint8Array>(key, AS_BYTES)
    } catch (error) {
      answer = Promise.reject(error) // A backend that somebody has patched may throw. The counts have to be right then too: close() waits for them.
    }
    return answer.then(
      stored => {
        this.#ended()
        this.#answered(stored)
        return open(stored, key)
      },
      (error: unknown) => {
        this.#ended()
        this.#answered()
        throw error
      }
    )
  }

  /** Spreads the gets that wait over the calls that may be made now. The others are sent when one of the calls is done. */
  #sendWaiting(): void {
    while (this.#waiting.length > 0 && this.#calls < MAX_CALLS) {
      const share = Math.ceil(this.#waiting.length / (MAX_CALLS - this.#calls))
      void this.#send(this.#waiting.take(Math.min(MAX_KEYS, share)))
    }
  }

  async #send(lookups: readonly Lookup[]): Promise<void> {
    this.#calls++
    if (lookups.length === 1) await this.#sendOne(lookups[0]!)
    else await this.#sendMany(lookups)
    this.#ended()
  }

  #ended(): void {
    this.#calls--
    this.#sendWaiting()
  }

  async #sendMany(lookups: readonly Lookup[]): Promise<void> {
    const keys = lookups.map(({ key }) => key)
    let stored: (Uint8Array | undefined)[]
    try {
      stored = await this.#backend.getMany<Buffer, Uint8Array>(keys, AS_BYTES)
    } catch {
      // A key that cannot be read must not fail the others, so each is read alone. These reads may see a write that was called meanwhile: to
      // prevent that, every write would have to wait for the calls under way, or every call would need a snapshot.
      await Promise.all(lookups.map(lookup => this.#sendOne(lookup)))
      return
    }
    for (const [i, { found }] of lookups.entries()) found(stored[i])
  }

  async #sendOne({ key, found, failed }: Lookup): Promise<void> {
    try {
      found(await this.#backend.get<Buffer, Uint8Array>(key, AS_BYTES))
    } catch (error) {
      failed(error)
    }
  }
}
