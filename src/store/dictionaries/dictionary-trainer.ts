import type { Codec } from '../../codec/codec.js'
import { keyOfName } from '../../memtable/key-name.js'
import { nextTurn, Turn } from '../../turn.js'
import type { Dictionary } from './dictionaries.js'
import { judge, type JudgeContext, type Judgement, type Standing } from './dictionary-judge.js'
import { type DictionarySource, smallValueAt, type TableEntries } from './dictionary-source.js'
import { type SampledValue, SmallValueSample } from './small-value-sample.js'
import { SMALL_BYTES_LIMIT, type SmallValues } from './small-values.js'

/** The first dictionary is trained after this many bytes of small values. */
const FIRST_BYTES = 64 * 1024
/** The same after opening a store that has one already. */
const FIRST_BYTES_WITH_ONE = 1024 * 1024
/** The next one is trained after this many times as many bytes as the last, but after {@link MAX_DUE_BYTES} at the latest. */
const GROWTH = 4
const MAX_DUE_BYTES = 256 * 1024 * 1024
/** A sample of fewer values says nothing. */
const MIN_VALUES = 64
/** This many bytes of small values are at least {@link MIN_VALUES} values. */
const ENOUGH_BYTES = MIN_VALUES * SMALL_BYTES_LIMIT

export interface TrainerContext extends JudgeContext {
  /** Stores a dictionary, synced, in the backend or the log, where the values that use it are stored. */
  readonly save: (dictionary: Dictionary) => Promise<void>
  readonly onJudged: (judgement: Judgement) => void
  readonly onFailed: (error: unknown) => void
}

/**
 * Trains dictionaries on the small values that are written, and decides which one is used. It does so soon at first and then more and more rarely, so
 * that training stays a small part of the cost of writing.
 */
export class DictionaryTrainer implements DictionarySource {
  readonly #context: TrainerContext
  readonly #small: SmallValues
  #sample = new SmallValueSample()
  #dueBytes: number
  /** How well the dictionary in use did when it was last judged. */
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
    // Values that came meanwhile may have begun the training of another one.
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

  /** A dictionary that is being trained will not be used. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#saving?.catch(() => {})
  }

  /** Never rejects: values can be stored without a new dictionary. */
  async #judge(sample: readonly SampledValue[], seenBytes: number): Promise<void> {
    if (sample.length < MIN_VALUES) {
      // There were large values, or the same few keys again and again. What comes next may be different.
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
    const { best, judgement, standing } = await judge(sample, seenBytes, id, this.#context, this.#standing)
    if (this.#stopped) return
    this.#context.onJudged(judgement)
    if (best?.id === id) {
      this.#saving = small.dictionaries.store(best, this.#context.save)
      await this.#saving
    }
    small.current = best
    this.#standing = standing
  }
}
