import type { AbstractOpenOptions, AbstractResource } from 'abstract-level'
import { type CompressedKvError, databaseNotOpen, iteratorNotOpen } from '../errors.js'
import type { Collector } from '../gc/collector.js'
import type { AnyLevel } from './backend/any-level.js'
import { lockBackend, unlockBackend } from './backend/backend-lock.js'
import { isOpen, openBackend } from './backend/backend.js'
import { closeTogetherUnopened } from './backend/closing-unopened.js'
import { resource } from './backend/resource.js'
import type { CodecChoice } from './options/codec-choice.js'
import type { Settings } from './options/options.js'
import { beginSession, endSession, type Session } from './session.js'
import type { Counters } from './stats.js'
import type { SafeEmit } from './store-events.js'

interface LifecycleContext {
  readonly store: AnyLevel & { readonly gc: Collector }
  readonly backend: AnyLevel
  readonly settings: Settings
  readonly choice: CodecChoice
  readonly counters: Counters
  readonly emit: SafeEmit
}

/** Opens and closes a store, and its backend with it. */
export class Lifecycle {
  readonly #context: LifecycleContext
  #session: Session | undefined
  /** Why the last opening failed, if it did. */
  #openingFailure: unknown
  /** Whether the store has begun to open the backend. Until then, `closing-unopened.ts` closes one with the other. */
  #tookBackend = false
  readonly #untie: () => void
  /** Attached to the backend, which closes it, and so this store, before itself. */
  readonly #resource: AbstractResource
  /** Calls of the resource's `close()` that wait for the session to end. */
  #waiting: (() => void)[] = []

  constructor(context: LifecycleContext) {
    this.#context = context
    this.#untie = closeTogetherUnopened(context.store, context.backend, () => this.#tookBackend)
    this.#resource = resource(() => this.#closeWithBackend())
  }

  /** @throws LEVEL_DATABASE_NOT_OPEN, with the reason if opening has failed */
  get session(): Session {
    if (this.#session !== undefined) return this.#session
    throw this.#notOpen()
  }

  /** undefined while the store is not open. */
  get sessionIfOpen(): Session | undefined {
    return this.#session
  }

  /** @throws LEVEL_DATABASE_NOT_OPEN, even while the store is being opened or closed */
  assertOpen(): void {
    if (this.#context.store.status !== 'open') throw this.#notOpen()
  }

  async open(options: AbstractOpenOptions): Promise<void> {
    this.#openingFailure = undefined
    try {
      await this.#open(options)
    } catch (error) {
      this.#openingFailure = error
      throw error
    }
  }

  async #open(options: AbstractOpenOptions): Promise<void> {
    const { store, backend, settings, choice, counters, emit } = this.#context
    this.#tookBackend = true
    this.#untie()
    lockBackend(backend, store)
    const { status } = backend
    try {
      // Called before anything is awaited: the backend is about to open by itself.
      await openBackend(backend, options)
      // Closing the backend closes the store first, even while the store still opens.
      backend.attachResource(this.#resource)
      for (const codec of choice.named) codec.load?.()
      this.#session = await beginSession(backend, settings, choice, counters, emit)
      const { gc, readOnly } = settings
      if (gc.intervalMs > 0 && !readOnly) store.gc.start()
      // Not with the default policy, which would find nothing to do.
      if (gc.policy !== undefined) this.#session.log?.sweepBeforeSnapshots(() => this.#sweepWhileOpen())
    } catch (error) {
      backend.detachResource(this.#resource)
      unlockBackend(backend, store)
      this.#ended()
      // Only if it is open: while it is closing, it may be waiting for this very call. A failure to close matters less than why opening failed.
      if (status !== 'open' && isOpen(backend)) await backend.close().catch(() => {})
      throw error
    }
  }

  /**
   * Waits for the writes and gets that were accepted so far; closing the backend waits for other reads. Also works if the backend was closed
   * before: then those calls are rejected.
   */
  async close(): Promise<void> {
    const { store, backend } = this.#context
    await store.gc.stop()
    await endSession(this.session, backend)
    backend.detachResource(this.#resource) // Otherwise closing the backend would wait for the store, which waits for the backend.
    if (isOpen(backend)) {
      try {
        await backend.close()
      } catch (error) {
        backend.attachResource(this.#resource)
        throw error
      }
    }
    unlockBackend(backend, store)
    this.#session = undefined
    this.#ended()
  }

  /**
   * Resolves when the store is closed, or its present session has ended. Waiting for the store alone could take for ever: an `open()` may be queued
   * before this `close()`, and would wait for the backend, which waits for this.
   */
  async #closeWithBackend(): Promise<void> {
    const ended = new Promise<void>(resolve => this.#waiting.push(resolve))
    await Promise.race([this.#context.store.close(), ended])
  }

  #ended(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** The error of a call that waited for an opening that has failed, with the reason. abstract-level tells that to the caller of `open()` only. */
  explained(error: unknown): unknown {
    if (this.#openingFailure === undefined) return error
    const code = (error as { code?: unknown } | undefined)?.code
    if (code === 'LEVEL_DATABASE_NOT_OPEN') return this.#notOpen()
    return code === 'LEVEL_ITERATOR_NOT_OPEN' ? iteratorNotOpen(this.#openingFailure) : error
  }

  #notOpen(): CompressedKvError {
    return databaseNotOpen(this.#openingFailure)
  }

  /** Does nothing once the store is closing: its last flush must not begin a sweep. */
  async #sweepWhileOpen(): Promise<void> {
    const { store } = this.#context
    if (store.status === 'open') await store.gc.runInBackground()
  }
}
