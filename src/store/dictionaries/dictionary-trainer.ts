import type { Codec } from '../../codec/codec.js'
import { keyOfName } from '../../memtable/key-name.js'
import { nextTurn, Turn } from '../../turn.js'
import type { Dictionary } from './dictionaries.js'
import { judge, type JudgeContext, type Judgement, type Standing } from './dictionary-judge.js'
import { type DictionarySource, smallValueAt, type TableEntries } from './dictionary-source.js'
import { type SampledValue, SmallValueSample } from './small-value-sample.js'
import { SMALL_BYTES_LIMIT, type SmallValues } from './small-values.js'

/** Bytes of small values after which the first dictionary is trained; the next one, in a store that has one already. */
const FIRST_BYTES = 64 * 1024
const FIRST_BYTES_WITH_ONE = 1024 * 1024
/** The next one is trained after this many times as much as the last, and after {@link MAX_DUE_BYTES} at the latest. */
const GROWTH = 4
const MAX_DUE_BYTES = 256 * 1024 * 1024
/** A smaller sample says nothing. */
const MIN_VALUES = 64
/** So many bytes of small values are {@link MIN_VALUES} at least. */
const ENOUGH_BYTES = MIN_VALUES * SMALL_BYTES_LIMIT

export interface TrainerContext extends JudgeContext {
  /** Stores a dictionary where the values that use it go, synced. */
  readonly save: (dictionary: Dictionary) => Promise<void>
  readonly onJudged: (judgement: Judgement) => void
  readonly onFailed: (error: unknown) => void
}

/**
 * Trains dictionaries on the small values that are written, and decides which is used: soon at first, then ever more rarely, so that training
 * stays a small part of the cost of writing.
 */
export class DictionaryTrainer implements DictionarySource {
  readonly #context: TrainerContext
  readonly #small: SmallValues
  #sample = new SmallValueSample()
  #dueBytes: number
  /** Of the dictionary in use. */
  #standing: Standing | undefined
  #running: Promise<void> | undefined
  #saving: Promise<void> | undefined
  #stopped = false

  constructor(context: TrainerContext) {
    this.#context = context
    this.#small = context.small
    this.#small.current = this.#small.dictionaries.newestTrained
    this.#dueBytes = this.#small.current === undefined ? FIRST_BYTES : FIRST_BYTES_WITH_ONE
  }

  begin(): undefined {
    return undefined
  }

  note(key: Buffer, value: Buffer, codec: Codec): void {
    this.#sample.add(key, value, codec)
    if (this.#sample.seenBytes < this.#dueBytes || this.#running !== undefined) return
    const sample = this.#sample
    this.#sample = new SmallValueSample()
    void this.#judge(sample.inOrder(), sample.seenBytes)
  }

  /** The whole table is at hand before any of it is sealed. */
  async prepare(weight: number, entriesOf: TableEntries): Promise<void> {
    if (this.#running !== undefined || this.#sample.seenBytes + weight < this.#dueBytes) return
    const fromTable = new SmallValueSample()
    const turn = new Turn()
    for (const entries = await entriesOf(); entries.head !== undefined; entries.advance()) {
      const value = smallValueAt(entries, this.#small)
      if (value !== undefined) fromTable.add(keyOfName(entries.head.name), value.bytes, value.codec)
      if (turn.isOver) await nextTurn()
    }
    const seenBytes = this.#sample.seenBytes + fromTable.seenBytes
    // Values that came meanwhile may have had one begun.
    if (this.#running !== undefined || seenBytes < this.#dueBytes) return
    const sample = [...this.#sample.inOrder(), ...fromTable.inOrder()]
    this.#sample = new SmallValueSample()
    await this.#judge(
      sample.sort((a, b) => a.key.compare(b.key)),
      seenBytes
    )
  }

  async idle(): Promise<void> {
    await this.#running
  }

  /** What is being trained is let go. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#saving?.catch(() => {})
  }

  /** Never rejects: without a dictionary, or with the one there is, values are stored as well. */
  async #judge(sample: readonly SampledValue[], seenBytes: number): Promise<void> {
    if (sample.length < MIN_VALUES) {
      // Large values, or the same few keys again and again: what comes next may be others.
      this.#dueBytes = Math.max(this.#dueBytes, ENOUGH_BYTES)
      return
    }
    this.#dueBytes = Math.min(Math.max(seenBytes, FIRST_BYTES) * GROWTH, MAX_DUE_BYTES)
    this.#running = this.#decide(sample, seenBytes)
      .catch(this.#context.onFailed)
      .finally(() => {
        this.#running = undefined
      })
    await this.#running
  }

  async #decide(sample: readonly SampledValue[], seenBytes: number): Promise<void> {
    const small = this.#small
    const id = small.dictionaries.freeId
    if (this.#stopped || id === undefined) return
    const { verdict, judgement, standing } = await judge(sample, seenBytes, id, this.#context, this.#standing)
    if (this.#stopped) return
    this.#context.onJudged(judgement)
    if (verdict.use === 'none') small.current = undefined
    if (verdict.use !== 'candidate') {
      this.#standing = standing
      return
    }
    this.#saving = small.dictionaries.store(verdict.candidate, this.#context.save)
    await this.#saving
    small.current = verdict.candidate
    this.#standing = standing
  }
}
