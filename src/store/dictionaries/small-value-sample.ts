import type { Codec } from '../../codec/codec.js'
import { keyName } from '../../memtable/key-name.js'

/** Neighbours are kept together: what a backend's blocks of 4 KiB make of them can only be seen on neighbours. */
const RUN_BYTES = 16 * 1024
/** When there are this many runs, every second of them is dropped, and of those that follow only every second is taken. */
const MAX_RUNS = 32

export interface SampledValue {
  readonly key: Buffer
  readonly value: Buffer
  /** What it is compressed with. */
  readonly codec: Codec
}

/**
 * A sample of the small values that pass by, of about {@link MAX_RUNS} × {@link RUN_BYTES} at most: runs of values that came one after
 * another, evenly spread over all that came.
 */
export class SmallValueSample {
  #runs: SampledValue[][] = []
  #open: SampledValue[] | undefined
  /** Of the run that is under way. */
  #runBytes = Infinity
  /** One of this many runs is taken. */
  #stride = 1
  #count = 0
  #seenBytes = 0

  /** Bytes of the values that passed by. */
  get seenBytes(): number {
    return this.#seenBytes
  }

  /** Key and value are copied if they are taken. */
  add(key: Buffer, value: Buffer, codec: Codec): void {
    this.#seenBytes += value.length
    if (key.length > RUN_BYTES) return // Each would be a run of its own, as long as it likes.
    if (this.#runBytes >= RUN_BYTES) this.#beginRun()
    this.#runBytes += key.length + value.length
    this.#open?.push({ key: Buffer.from(key), value: Buffer.from(value), codec })
  }

  /** The sample in the order of keys; of a key that was written more than once the last value. */
  inOrder(): SampledValue[] {
    const byKey = new Map(this.#runs.flat().map(sampled => [keyName(sampled.key), sampled]))
    return [...byKey.values()].sort((a, b) => a.key.compare(b.key))
  }

  #beginRun(): void {
    this.#runBytes = 0
    this.#open = undefined
    if (this.#count++ % this.#stride !== 0) return
    if (this.#runs.length === MAX_RUNS) {
      this.#runs = this.#runs.filter((_, i) => i % 2 === 0)
      this.#stride *= 2
      if ((this.#count - 1) % this.#stride !== 0) return
    }
    this.#open = []
    this.#runs.push(this.#open)
  }
}
