import { TurnQueue } from '../../turn.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES } from '../backend/as-bytes.js'
import { supportsGetSync } from '../backend/backend.js'
import { LookupQueue, type Open } from './lookup-queue.js'
import { SyncReads } from './sync-reads.js'

/** When this many gets are under way, the next goes to other threads, which answer many gets together as fast as the calling thread would. */
const MANY_UNDER_WAY = 16
/** How long gets may read on the calling thread in one turn of the event loop, in ms: long enough for some fifty values of 1 KiB. */
const MAX_TURN_MS = 0.5

/** What is stored under a key. */
type Stored = Uint8Array | undefined

/** Turns what is stored under a key into what the caller gets. */
export type OpenStored<T> = Open<Stored, T>

/**
 * Gets, and questions whether a key is there. While few are under way they are read on the calling thread, as long as that is faster; otherwise
 * other threads answer many of them together.
 */
export class GetQueue {
  readonly #backend: AnyLevel
  /** undefined if the backend has no getSync(). */
  readonly #syncReads: SyncReads | undefined
  readonly #turns = new TurnQueue(MAX_TURN_MS, 1)
  /** How many wait for a turn of the event loop, or for other threads. */
  #underWay = 0
  readonly #gets: LookupQueue<Stored>
  readonly #has: LookupQueue<boolean>
  #idle: (() => void)[] = []

  constructor(backend: AnyLevel) {
    this.#backend = backend
    this.#syncReads = supportsGetSync(backend) ? new SyncReads() : undefined
    this.#gets = new LookupQueue<Stored>({
      one: key => backend.get<Buffer, Uint8Array>(key, AS_BYTES),
      many: keys => backend.getMany<Buffer, Uint8Array>(keys, AS_BYTES),
      answered: stored => {
        this.#syncReads?.noticeSize(stored)
        this.#answered()
      }
    })
    this.#has = new LookupQueue<boolean>({
      one: key => backend.has<Buffer>(key, AS_BYTES),
      many: keys => backend.hasMany<Buffer>(keys, AS_BYTES),
      answered: () => this.#answered()
    })
  }

  /**
   * @param key copied if the get waits, since the caller may use its buffer again meanwhile
   * @param open called with what the backend has
   */
  get<T>(key: Buffer, open: OpenStored<T>): Promise<T> {
    if (!this.#isReadHere()) return this.#ask(Buffer.from(key), open)
    return this.#turns.hasRoom(1) ? this.#readHere(key, open) : this.#readLater(Buffer.from(key), open)
  }

  /**
   * Whether a key is there, for a backend that supports has().
   *
   * @param isThere called with what the backend has, where that is read here
   */
  has(key: Buffer, isThere: OpenStored<boolean>): Promise<boolean> {
    if (this.#isReadHere() && this.#turns.hasRoom(1)) return this.#readHere(key, isThere)
    this.#underWay++
    return this.#has.ask(Buffer.from(key), found => found)
  }

  /**
   * Hands all gets that wait to the backend. Call right before the backend is changed: abstract-level promises, for databases with implicit
   * snapshots, that a get does not see a write that was called after it. The backend takes such a snapshot when it is called.
   */
  sendAll(): void {
    this.#turns.doAll()
    this.#gets.sendAll()
    this.#has.sendAll()
  }

  /** Resolves when every get that was called before has been answered by the backend. */
  drain(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  /** Call before the get resolves: the caller's next get must not find this one still under way. */
  #answered(): void {
    this.#underWay--
    if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  // ---- on the calling thread

  /** Decides whether the next get is read here. */
  #isReadHere(): boolean {
    const reads = this.#syncReads
    return reads !== undefined && this.#underWay < MANY_UNDER_WAY && reads.mayRead()
  }

  async #readHere<T>(key: Buffer, open: OpenStored<T>): Promise<T> {
    let stored: Stored
    try {
      stored = this.#syncReads!.read(() => this.#backend.getSync<Buffer, Uint8Array>(key, AS_BYTES))
    } catch {
      // The backend may say that it has getSync() and have none. Where the value cannot be read at all, get() fails as well, with its own error.
      return this.#ask(Buffer.from(key), open)
    }
    return open(stored, key)
  }

  #readLater<T>(key: Buffer, open: OpenStored<T>): Promise<T> {
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
  #ask<T>(key: Buffer, open: OpenStored<T>): Promise<T> {
    this.#underWay++
    return this.#gets.ask(key, open)
  }
}
