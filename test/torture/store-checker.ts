import { Level } from 'level'
import { CompressedKvStore } from '../../src/index.js'
import { seededRandom } from '../support/seeded-random.js'
import { apply, type Entries, idOf, operations, perform, settingsOf, type Store } from './store-operations.js'

/** Calls of a process that may have reached the log without an answer. More than it keeps in flight. */
const MAX_UNANSWERED = 100

/** Holds a store that `store-writer.ts` was killed over against what that said. */
export class StoreChecker {
  readonly #directory: string
  /** What is known to be there. */
  #entries: Entries = new Map()

  constructor(directory: string) {
    this.#directory = directory
  }

  async check(seed: number, lines: readonly string[]): Promise<{ acknowledged: number; recovered: number }> {
    const random = seededRandom(seed + 2)
    const settings = settingsOf(seed + 3)
    const store = new CompressedKvStore<string, Buffer>(
      new Level<string, Buffer>(this.#directory, { valueEncoding: 'buffer' }),
      random() < 0.3 ? { ...settings, memtable: false } : settings
    )
    await store.open()
    try {
      const answered = lines.flatMap(line => (line.startsWith('ack ') ? [Number(line.slice(4))] : []))
      const found = await this.#readAll(store)
      const recovered = this.#match(seed, found, new Set(answered))
      if (random() < 0.8) await this.#goOn(store, seed + 4)
      return { acknowledged: answered.length, recovered }
    } finally {
      await store.close()
    }
  }

  /** Everything, by iterator and by key, and every value whole. */
  async #readAll(store: Store): Promise<Entries> {
    const found: Entries = new Map()
    for await (const [key, value] of store.iterator()) found.set(key, idOf(value))
    const keys = [...found.keys()]
    for (const [i, value] of (await store.getMany(keys)).entries()) {
      if (value === undefined || idOf(value) !== found.get(keys[i]!)) throw new Error(`get(${keys[i]!}) finds another`)
    }
    return found
  }

  /**
   * What is there must be what the first calls of the process left, up to the last that was answered at least, each of them whole.
   *
   * @returns how many
   */
  #match(seed: number, found: Entries, answered: ReadonlySet<number>): number {
    const must = Math.max(-1, ...answered) + 1
    const entries = new Map(this.#entries)
    let nearest: string | undefined
    for (const operation of operations(seed)) {
      if (operation.number >= must) {
        const difference = firstDifference(entries, found)
        if (difference === undefined) {
          this.#entries = entries
          return operation.number
        }
        nearest ??= difference
        if (operation.number > must + MAX_UNANSWERED) break
      }
      apply(entries, operation)
    }
    const silent = Array.from({ length: must }, (_, number) => number).filter(number => !answered.has(number))
    throw new Error(
      `${must} calls had to be there, and no number of them gives what is. After ${must}: ${nearest}. Not answered: ${silent.join(' ')}`
    )
  }

  async #goOn(store: Store, seed: number): Promise<void> {
    for (const operation of operations(seed)) {
      if (operation.number === 20) return
      await perform(store, operation)
      apply(this.#entries, operation)
    }
  }
}

function firstDifference(expected: Entries, found: Entries): string | undefined {
  for (const [key, id] of expected) {
    if (found.get(key) !== id) return `${key} should be ${id}, and is ${found.get(key) ?? 'not there'}`
  }
  for (const key of found.keys()) if (!expected.has(key)) return `${key} should not be there, and is ${found.get(key)}`
  return undefined
}
