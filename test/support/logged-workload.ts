import type { Store } from './logged-store.js'
import { noise, text } from './sample-values.js'
import { seededRandom } from './seeded-random.js'

/** One call, and what it does to the entries, which are keys and values as text. */
interface Call {
  readonly run: (store: Store) => Promise<void>
  readonly apply: (entries: Map<string, string>) => void
  readonly sync: boolean
}

interface Attempt {
  readonly call: Call
  acknowledged: boolean
  /** Whether it was promised to be on stable storage. */
  durable: boolean
}

/**
 * Calls of every kind, and what they promise. The store they are made on may die under them; what another finds afterwards is held
 * against them.
 */
export class LoggedWorkload {
  readonly #random: () => number
  readonly #attempts: Attempt[] = []
  readonly #begin: ReadonlyMap<string, string>
  readonly #alwaysDurable: boolean
  #number = 0
  /** Whether the store has died. */
  #hasFailed = false

  /** @param alwaysDurable whether what resolves is on stable storage, whatever was asked for */
  constructor(seed: number, alwaysDurable: boolean, begin: Iterable<[string, string]> = []) {
    this.#random = seededRandom(seed)
    this.#alwaysDurable = alwaysDurable
    this.#begin = new Map(begin)
  }

  /** Makes calls, some of them at once; throws when the store dies. */
  async run(store: Store, rounds: number): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      const together = this.#random() < 0.4 ? 3 : 1
      const calls = Array.from({ length: together }, () => this.#draw())
      const outcomes = await Promise.allSettled(calls.map(call => this.#attempt(store, call)))
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      if (this.#random() < 0.1) {
        const until = this.#attempts.length
        await store.sync()
        for (const attempt of this.#attempts.slice(0, until)) attempt.durable = true
      }
    }
  }

  /** Everything acknowledged so far is on stable storage: the store was closed. */
  closed(): void {
    for (const attempt of this.#attempts) attempt.durable = attempt.acknowledged
  }

  /**
   * Holds what is there against what was promised: the calls up to some of them, at least all that had to be there, each of them whole.
   *
   * @param allSurvives whether nothing that was written was lost, only what was not written yet
   * @throws what is wrong, as text
   */
  check(found: readonly [string, string][], allSurvives: boolean): void {
    const must = this.#attempts.findLastIndex(
      ({ acknowledged, durable }) => durable || (acknowledged && (allSurvives || this.#alwaysDurable))
    )
    const seen = JSON.stringify(found)
    const entries = new Map(this.#begin)
    for (let i = -1; i < this.#attempts.length; i++) {
      if (i >= 0) this.#attempts[i]!.call.apply(entries)
      if (i >= must && JSON.stringify(sorted(entries)) === seen) return
    }
    throw new Error(
      `Of ${this.#attempts.length} calls ${must + 1} had to be there, and no number of them gives ${found
        .map(([key, value]) => `${key}: ${value.slice(0, 12)} (${value.length})`)
        .join(', ')}`
    )
  }

  async #attempt(store: Store, call: Call): Promise<void> {
    const attempt = { call, acknowledged: false, durable: false }
    this.#attempts.push(attempt)
    try {
      await call.run(store)
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
    // A clear that finds nothing needs no log: it may resolve though the calls before it failed.
    if (this.#hasFailed) return
    attempt.acknowledged = true
    // What is durable makes everything that was called before it durable.
    if (call.sync) attempt.durable = true
  }

  #draw(): Call {
    const sync = this.#random() < 0.2
    const kind = this.#random()
    const key = this.#key()
    if (kind < 0.45) return this.#put(key, sync)
    if (kind < 0.55) return del(key, sync)
    if (kind < 0.8) return this.#batch(sync)
    const [one, other] = [key, this.#key()].sort() as [string, string]
    if (kind < 0.92) return clear({ gte: one, lt: other, sync })
    return clear({ gt: one, limit: 2, sync })
  }

  #put(key: string, sync: boolean): Call {
    const value = this.#value()
    return {
      sync,
      run: store => store.put(key, Buffer.from(value, 'latin1'), { sync }),
      apply: entries => void entries.set(key, value)
    }
  }

  /** Of operations on several keys, among them a pair that tells whether it is there whole. */
  #batch(sync: boolean): Call {
    const puts = [this.#key(), this.#key(), 'left', 'right'].map(key => ({ key, value: this.#value() }))
    const gone = this.#key()
    return {
      sync,
      run: store =>
        store.batch(
          [
            ...puts.map(({ key, value }) => ({ type: 'put' as const, key, value: Buffer.from(value, 'latin1') })),
            { type: 'del' as const, key: gone }
          ],
          { sync }
        ),
      apply: entries => {
        for (const { key, value } of puts) entries.set(key, value)
        entries.delete(gone)
      }
    }
  }

  #key(): string {
    return `k${Math.floor(this.#random() * 8)}`
  }

  /** Every one another. */
  #value(): string {
    const number = ++this.#number
    const length = Math.floor(this.#random() * this.#random() * 900)
    const bytes = number % 2 ? text(length) : noise(length, number)
    return `${number} ${bytes.toString('latin1')}`
  }
}

function del(key: string, sync: boolean): Call {
  return { sync, run: store => store.del(key, { sync }), apply: entries => void entries.delete(key) }
}

function clear({
  limit = Infinity,
  sync,
  ...range
}: {
  gt?: string
  gte?: string
  lt?: string
  limit?: number
  sync: boolean
}): Call {
  return {
    // One that finds nothing resolves without a sync.
    sync,
    run: store => store.clear({ ...range, sync, ...(limit === Infinity ? {} : { limit }) }),
    apply: entries => {
      const inside = sorted(entries).filter(
        ([key]) =>
          (range.gt === undefined || key > range.gt) &&
          (range.gte === undefined || key >= range.gte) &&
          (range.lt === undefined || key < range.lt)
      )
      for (const [key] of inside.slice(0, limit)) entries.delete(key)
    }
  }
}

function sorted(entries: ReadonlyMap<string, string>): [string, string][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
}
