import { TurnQueue } from '../../turn.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES } from '../backend/as-bytes.js'
import { supportsGetSync } from '../backend/backend.js'
import { SyncReads } from './sync-reads.js'

/**
 * Calls of the backend under way at once, unless it is written to meanwhile: twice as many as libuv has threads by default. With only as many,
 * a thread that is done would have nothing to do, go to sleep, and have to be woken.
 */
const MAX_CALLS = 8
/**
 * Keys that one call takes at most, so that the first of many need not wait for the last, nor others who need a thread, for an fsync say, for
 * all that are queued.
 */
const MAX_KEYS = 40
/** With as many gets under way the next one is for other threads: they answer many together as fast as the calling thread would. */
const MANY_UNDER_WAY = 16
/** Reads on the calling thread in one turn of the event loop, in ms: some fifty of 1 KiB. The next turn goes on with them. */
const MAX_TURN_MS = 0.5

interface Lookup {
  readonly key: Buffer
  readonly found: (stored: Uint8Array | undefined) => void
  readonly failed: (error: unknown) => void
}

/** Makes of what is stored what the caller gets. */
export type Open<T> = (stored: Uint8Array | undefined) => T | Promise<T>

/**
 * Turns many gets into few getMany calls: in Node.js the price of a get is the crossing into the backend, and it is paid per call.
 * A get that is alone, or one of few, reads on the calling thread while that is quicker, or else goes through as it is.
 */
export class GetQueue {
  readonly #backend: AnyLevel
  /** undefined: the backend has no getSync(). */
  readonly #syncReads: SyncReads | undefined
  readonly #turns = new TurnQueue(MAX_TURN_MS, 1)
  /** Gets that wait for a turn, or for other threads. */
  #underWay = 0
  /** Of those, gets that no call has yet. */
  #waiting: Lookup[] = []
  /** How many of these have been taken. To take them off each time would move all the others: with a million, for seven seconds. */
  #taken = 0
  #calls = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(backend: AnyLevel) {
    this.#backend = backend
    this.#syncReads = supportsGetSync(backend) ? new SyncReads() : undefined
  }

  /**
   * @param key copied: it may wait while the caller uses its buffer again
   * @param open called with what the backend has, for all keys of a call one after the other, before any of them resolves: restoring a value is
   *   quicker right after another
   */
  get<T>(key: Buffer, open: Open<T>): Promise<T> {
    const reads = this.#readsHere()
    if (reads === undefined) return this.#ask(Buffer.from(key), open)
    return this.#turns.hasRoom(1) ? this.#readHere(key, open, reads) : this.#readLater(Buffer.from(key), open, reads)
  }

  /**
   * Reads on the calling thread, if that is where a get would read now.
   *
   * @returns undefined: ask the backend
   */
  getHere(key: Buffer): { readonly stored: Uint8Array | undefined } | undefined {
    const reads = this.#readsHere()
    if (reads === undefined || !this.#turns.hasRoom(1)) return undefined
    try {
      return { stored: this.#read(key, reads) }
    } catch {
      return undefined
    }
  }

  /**
   * Asks for what waits. Call right before the backend is changed: a get must not see a write that was called after it, since abstract-level
   * promises that of databases with implicit snapshots. A call of the backend takes its own at once.
   */
  sendAll(): void {
    this.#turns.doAll()
    while (this.#left > 0) void this.#send(this.#take(MAX_KEYS))
  }

  /** Resolves when every get made before has its answer. */
  drain(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  /** Call before the caller hears of the answer: its next get must not find this one still under way. */
  #answered(stored?: Uint8Array): void {
    this.#syncReads?.noticeSize(stored)
    this.#underWay--
    if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  // ---- on the calling thread

  /** undefined: the next get is for other threads. */
  #readsHere(): SyncReads | undefined {
    const reads = this.#syncReads
    return reads !== undefined && this.#underWay < MANY_UNDER_WAY && reads.mayRead() ? reads : undefined
  }

  async #readHere<T>(key: Buffer, open: Open<T>, reads: SyncReads): Promise<T> {
    let stored: Uint8Array | undefined
    try {
      stored = this.#read(key, reads)
    } catch {
      // A backend may have no getSync() though it says so. What cannot be read at all get() has an error for.
      return this.#ask(Buffer.from(key), open)
    }
    return open(stored)
  }

  #read(key: Buffer, reads: SyncReads): Uint8Array | undefined {
    return reads.read(() => this.#backend.getSync<Buffer, Uint8Array>(key, AS_BYTES))
  }

  #readLater<T>(key: Buffer, open: Open<T>, reads: SyncReads): Promise<T> {
    this.#underWay++
    return this.#turns.later(() => {
      // Asked again: those before it may have been slow.
      const answer = reads.mayRead() ? this.#readHere(key, open, reads) : this.#ask(key, open)
      this.#answered()
      return answer
    })
  }

  // ---- on other threads

  /** @param key the queue's own */
  #ask<T>(key: Buffer, open: Open<T>): Promise<T> {
    this.#underWay++
    // The first does not wait to see whether others come.
    if (this.#calls === 0 && this.#left === 0) return this.#askAlone(key, open)
    return new Promise<T>((resolve, reject) => {
      const found = (stored: Uint8Array | undefined): void => {
        this.#answered(stored)
        try {
          resolve(open(stored))
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
      // In a microtask, so that a close() that is called next comes after it. Not by queueMicrotask, which fake timers of a test replace.
      void Promise.resolve().then(() => {
        this.#scheduled = false
        this.#sendWaiting()
      })
    })
  }

  /** With as few promises as it can: a thread of the pool has gone to sleep since, and every µs counts twice. */
  #askAlone<T>(key: Buffer, open: Open<T>): Promise<T> {
    this.#calls++
    let answer: Promise<Uint8Array | undefined>
    try {
      answer = this.#backend.get<Buffer, Uint8Array>(key, AS_BYTES)
    } catch (error) {
      answer = Promise.reject(error) // A backend that others have patched may throw, and close() waits for what is counted here.
    }
    return answer.then(
      stored => {
        this.#ended()
        this.#answered(stored)
        return open(stored)
      },
      (error: unknown) => {
        this.#ended()
        this.#answered()
        throw error
      }
    )
  }

  /** Spreads what waits over the calls that are free; the rest goes when one of them is done. */
  #sendWaiting(): void {
    while (this.#left > 0 && this.#calls < MAX_CALLS) {
      const size = Math.min(MAX_KEYS, Math.ceil(this.#left / (MAX_CALLS - this.#calls)))
      void this.#send(this.#take(size))
    }
  }

  get #left(): number {
    return this.#waiting.length - this.#taken
  }

  #take(size: number): Lookup[] {
    const taken = this.#waiting.slice(this.#taken, this.#taken + size)
    this.#taken += taken.length
    if (this.#taken >= this.#left) {
      this.#waiting = this.#waiting.slice(this.#taken)
      this.#taken = 0
    }
    return taken
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
      // One key that cannot be read must not fail the others. These reads may see a write that was called meanwhile: else every write would have
      // to wait for the calls under way, or take a snapshot for them.
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
