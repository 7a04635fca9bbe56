import { Fifo } from '../../fifo.js'

/**
 * Calls of the backend under way at once (more only before a write): twice as many as libuv has threads by default. With as many calls as threads,
 * a thread that is done would find nothing to do, go to sleep, and have to be woken.
 */
const MAX_CALLS = 8
/**
 * The most keys of one call. The first of many lookups need not wait for the last then, and whatever else needs a thread, such as an fsync, need not
 * wait for all of them.
 */
const MAX_KEYS = 40

/** How the backend is asked. */
interface Calls<S> {
  readonly one: (key: Buffer) => Promise<S>
  readonly many: (keys: Buffer[]) => Promise<S[]>
  /** Called before the lookup resolves, without an answer if it failed. */
  readonly answered?: (found?: S) => void
}

interface Lookup<S> {
  readonly key: Buffer
  readonly found: (found: S) => void
  readonly failed: (error: unknown) => void
}

/** Turns what the backend has for a key into what the caller gets. The caller may use the memory of the key again once this returns. */
export type Open<S, T> = (found: S, key: Buffer) => T | Promise<T>

/**
 * Turns many lookups into few calls of the backend: in Node.js most of the time of a lookup is spent on the way into the backend and back, once for
 * each call. One that is alone is a call of its own.
 */
export class LookupQueue<S> {
  readonly #backend: Calls<S>
  /** Lookups that are in no call yet. */
  readonly #waiting = new Fifo<Lookup<S>>()
  /** Calls of the backend under way. */
  #calls = 0
  #scheduled = false

  constructor(backend: Calls<S>) {
    this.#backend = backend
  }

  /**
   * @param key the queue's own
   * @param open called for all keys of one call of the backend before any of these lookups resolves: restoring a value is faster right after another
   */
  ask<T>(key: Buffer, open: Open<S, T>): Promise<T> {
    // The first does not wait to see whether others come.
    if (this.#calls === 0 && this.#waiting.length === 0) return this.#askAlone(key, open)
    return new Promise<T>((resolve, reject) => {
      const found = (answer: S): void => {
        this.#backend.answered?.(answer)
        try {
          resolve(open(answer, key))
        } catch (error) {
          reject(error)
        }
      }
      const failed = (error: unknown): void => {
        this.#backend.answered?.()
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

  /** Hands all lookups that wait to the backend. */
  sendAll(): void {
    while (this.#waiting.length > 0) void this.#send(this.#waiting.take(MAX_KEYS))
  }

  /** With as few promises as possible: the threads of the pool are asleep, and each µs until one is called is added to the wait for it. */
  #askAlone<T>(key: Buffer, open: Open<S, T>): Promise<T> {
    this.#calls++
    let answer: Promise<S>
    try {
      answer = this.#backend.one(key)
    } catch (error) {
      answer = Promise.reject(error) // A backend that somebody has patched may throw. The counts have to be right then too: close() waits for them.
    }
    return answer.then(
      found => {
        this.#ended()
        this.#backend.answered?.(found)
        return open(found, key)
      },
      (error: unknown) => {
        this.#ended()
        this.#backend.answered?.()
        throw error
      }
    )
  }

  /** Spreads the lookups that wait over the calls that may be made now. The others are sent when one of the calls is done. */
  #sendWaiting(): void {
    while (this.#waiting.length > 0 && this.#calls < MAX_CALLS) {
      const share = Math.ceil(this.#waiting.length / (MAX_CALLS - this.#calls))
      void this.#send(this.#waiting.take(Math.min(MAX_KEYS, share)))
    }
  }

  async #send(lookups: readonly Lookup<S>[]): Promise<void> {
    this.#calls++
    if (lookups.length === 1) await this.#sendOne(lookups[0]!)
    else await this.#sendMany(lookups)
    this.#ended()
  }

  #ended(): void {
    this.#calls--
    this.#sendWaiting()
  }

  async #sendMany(lookups: readonly Lookup<S>[]): Promise<void> {
    let answers: S[]
    try {
      answers = await this.#backend.many(lookups.map(({ key }) => key))
    } catch {
      // A key that cannot be read must not fail the others, so each is read alone. These reads may see a write that was called meanwhile: to
      // prevent that, every write would have to wait for the calls under way, or every call would need a snapshot.
      await Promise.all(lookups.map(lookup => this.#sendOne(lookup)))
      return
    }
    for (const [i, { found }] of lookups.entries()) found(answers[i]!)
  }

  async #sendOne({ key, found, failed }: Lookup<S>): Promise<void> {
    try {
      found(await this.#backend.one(key))
    } catch (error) {
      failed(error)
    }
  }
}
