import { abortWith } from '../abort-with.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { nextTurn } from '../turn.js'
import { assertPolicy, assertRate, assertSweepInterval } from './checks.js'
import { decideAll, noteRewritten } from './decisions.js'
import type { GcHost } from './host.js'
import { Pace } from './pace.js'
import type { Gc } from './policy.js'
import { emptyReport, type GcCounts, type GcReport } from './report.js'
import { encodeSweepState } from './sweep-state.js'
import { beginSweep, type Sweep } from './sweep.js'

export interface GcProgress extends Readonly<GcCounts> {
  /** The last key that was swept. */
  readonly lastKey: Buffer | undefined
}

export interface GcRunOptions {
  /**
   * Stops the sweep after the values that it is working on; the next sweep continues there. `run` resolves with a report of what was done: nothing,
   * if it was still waiting for another sweep.
   */
  readonly signal?: AbortSignal | undefined
  /** The most bytes of stored values to sweep in a second. Default: the store's option. */
  readonly bytesPerSecond?: number | undefined
  /** Used instead of the store's policy. */
  readonly policy?: Gc | undefined
  /** Called with what was done so far, after every chunk of at most 256 values or about 1 MiB. */
  readonly onProgress?: ((progress: GcProgress) => void) | undefined
  /** Begins at the first key, and tries values again that earlier sweeps have tried. Default false. */
  readonly force?: boolean | undefined
}

const RUN_OPTIONS = {
  signal: 'signal',
  bytesPerSecond: 'any',
  policy: 'any',
  onProgress: 'function',
  force: 'boolean'
} as const satisfies OptionTable<GcRunOptions>

export interface CollectorSettings {
  /** undefined for the host's default. */
  readonly policy: Gc | undefined
  readonly intervalMs: number
  readonly bytesPerSecond: number
}

/** After this many bytes of stored values a sweep stores how far it has come. */
const REMEMBER_BYTES = 16 * 1024 * 1024
/** The backend is compacted if more than this share of the bytes that were swept was rewritten or removed. */
const COMPACT_SHARE = 0.1
/** Codes of errors of a store that is closing, or of its backend if that is closed first, together with its iterators and batches. */
const CLOSING: ReadonlySet<unknown> = new Set([
  'LEVEL_DATABASE_NOT_OPEN',
  'LEVEL_ITERATOR_NOT_OPEN',
  'LEVEL_BATCH_NOT_OPEN'
])

/** Sweeps a store: looks at values in the order of keys, and rewrites or deletes those that a policy says to. */
export class Collector {
  readonly #host: GcHost
  readonly #settings: CollectorSettings
  #running: Promise<GcReport> | undefined
  #abort: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  /** Runs while the sweep under way pauses. */
  #pauseTimer: NodeJS.Timeout | undefined
  /** How many calls of {@link run} have not resolved. */
  #awaited = 0
  readonly #onFailure: (error: unknown) => void
  #last: GcReport | undefined

  /** @param onFailure gets the error of a background sweep that failed, and of any sweep that its policy keeps from ending */
  constructor(host: GcHost, settings: CollectorSettings, onFailure: (error: unknown) => void) {
    this.#host = host
    this.#settings = settings
    this.#onFailure = onFailure
  }

  /** Whether a sweep is under way. */
  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** What the last sweep did; undefined before the first. */
  get lastReport(): GcReport | undefined {
    return this.#last
  }

  /**
   * Sweeps once. While a sweep runs, a second call waits for its end and then does a sweep of its own, unless its signal is aborted before.
   *
   * @throws LEVEL_DATABASE_NOT_OPEN, LEVEL_READONLY, CKV_INVALID_OPTION, errors of the backend
   */
  async run(options: GcRunOptions = {}): Promise<GcReport> {
    this.#awaited++
    this.#pauseTimer?.ref?.() // From now on somebody waits for the sweep under way: the process must not end during its pauses.
    try {
      return await this.#run(options)
    } finally {
      if (--this.#awaited === 0) this.#pauseTimer?.unref?.()
    }
  }

  async #run(options: GcRunOptions): Promise<GcReport> {
    assertKnownOptions('gc.run()', options, RUN_OPTIONS)
    if (options.bytesPerSecond !== undefined) assertRate('bytesPerSecond', options.bytesPerSecond)
    if (options.policy !== undefined) assertPolicy('policy', options.policy)
    const opening = this.#host.opening()
    if (opening !== undefined) await opening
    while (this.#running !== undefined) {
      if (options.signal?.aborted) return emptyReport(false)
      await this.#ended(this.#running, options.signal)
    }
    this.#host.assertWritable()
    const abort = new AbortController()
    this.#abort = abort
    const letGo = abortWith(abort, options.signal)
    this.#running = this.#sweep(options, abort.signal)
    try {
      return await this.#running
    } finally {
      letGo()
      this.#running = undefined
    }
  }

  /** Resolves when a sweep has ended, and earlier if `signal` is aborted. */
  #ended(sweep: Promise<GcReport>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const over = () => {
        signal?.removeEventListener('abort', over)
        resolve()
      }
      sweep.then(over, over)
      signal?.addEventListener('abort', over)
    })
  }

  /**
   * Sweeps in the background, every `intervalMs`, which never keeps the process alive.
   *
   * @param intervalMs default: the store's option
   * @throws CKV_INVALID_OPTION if there is neither
   */
  start(intervalMs = this.#settings.intervalMs): void {
    assertSweepInterval('The interval of gc.start(), or the option gc.intervalMs,', intervalMs, 1)
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      if (this.#running === undefined) void this.runInBackground()
    }, intervalMs)
    this.#timer.unref?.() // jsdom's timers are numbers.
  }

  /**
   * Sweeps once, or waits for the sweep that is under way. It does not keep the process alive, and never rejects: a failure is reported as an event
   * 'gcError', as it is for sweeps of {@link start}.
   */
  async runInBackground(): Promise<void> {
    if (this.#running === undefined) {
      await this.#run({}).catch((error: unknown) => {
        // When a store closes, a sweep may begin before the timer is stopped. That it cannot run then is no failure.
        if (!CLOSING.has((error as { code?: unknown } | undefined)?.code)) this.#onFailure(error)
      })
    } else await this.#running.catch(() => {}) // Whoever began it gets the error.
  }

  /**
   * Ends background sweeping, and also a sweep that is under way, after the values that it is working on. If its policy has not answered after 5 s,
   * it is no longer waited for, and 'gcError' is emitted.
   */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#abort?.abort()
    await this.#running?.catch(() => {})
  }

  async #sweep(options: GcRunOptions, signal: AbortSignal): Promise<GcReport> {
    const host = this.#host
    const { policy = this.#settings.policy ?? host.defaultPolicy(), force = false } = options
    const start = performance.now()
    await host.settle()
    const end = await host.lastKey() // Without an end, keys might be added faster than they are swept, and the sweep would never end.
    const sweep = beginSweep(policy, force, host.state, signal)
    const { report } = sweep
    const pace = new Pace(options.bytesPerSecond ?? this.#settings.bytesPerSecond)
    let unremembered = 0
    while (!signal.aborted) {
      const activity = host.activity
      const bytes = end && (await this.#sweepChunk(sweep, end))
      if (bytes === undefined) {
        report.complete = true
        break
      }
      unremembered += bytes
      if (unremembered >= REMEMBER_BYTES) {
        await this.#remember(sweep)
        unremembered = 0
      }
      report.seconds = (performance.now() - start) / 1000
      options.onProgress?.({ ...report, lastKey: sweep.lastKey })
      await this.#rest(pace.pauseAfter(bytes, host.activity !== activity), signal)
      pace.resume()
    }
    if (report.complete) {
      await host.finished(sweep.plainLeft)
      if (sweep.rewritten > report.bytesBefore * COMPACT_SHARE) await host.compact()
    } else if (unremembered > 0) await this.#remember(sweep)
    report.seconds = (performance.now() - start) / 1000
    return (this.#last = { ...report })
  }

  /** Pauses, and lets the event loop run in any case. An immediate would keep the process alive, so without waiting callers even 0 ms is a timer. */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0 && this.#awaited > 0) await nextTurn()
    else await this.#pause(ms, signal)
  }

  /** Resolves after this many ms, or when `signal` is aborted. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal.aborted) return resolve()
      const over = () => {
        clearTimeout(this.#pauseTimer)
        this.#pauseTimer = undefined
        signal.removeEventListener('abort', over)
        resolve()
      }
      this.#pauseTimer = setTimeout(over, ms)
      if (this.#awaited === 0) this.#pauseTimer.unref?.()
      signal.addEventListener('abort', over, { once: true })
    })
  }

  /** @returns the bytes of the next chunk as they were stored; undefined when there is none */
  async #sweepChunk(sweep: Sweep, end: Buffer): Promise<number | undefined> {
    const chunk = await this.#host.chunk(sweep.lastKey, end)
    try {
      if (chunk.entries.length === 0) return undefined
      const { rewrites, judged, unanswered } = await decideAll(chunk.entries, sweep)
      if (unanswered !== undefined) this.#onFailure(unanswered)
      if (rewrites.length > 0) noteRewritten(sweep, rewrites, await chunk.rewrite(rewrites))
      const entries = chunk.entries.slice(0, judged)
      sweep.lastKey = entries.at(-1)?.key ?? sweep.lastKey
      return entries.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
    } finally {
      chunk.end()
    }
  }

  async #remember({ policy, lastKey, plainLeft }: Sweep): Promise<void> {
    if (policy.id === undefined || lastKey === undefined) return
    await this.#host.remember(encodeSweepState({ policyId: policy.id, lastKey, plainLeft }))
  }
}
