import type { Codec } from '../../codec/codec.js'
import { keyName } from '../../memtable/key-name.js'

/** Values are taken in runs of this many bytes: only neighbours show what a backend's blocks of 4 KiB make of them. */
const RUN_BYTES = 16 * 1024
/** When there are this many runs, every second one is dropped, and from then on only every second one is taken. */
const MAX_RUNS = 32

export interface SampledValue {
  readonly key: Buffer
  readonly value: Buffer
  /** The codec that it is written with. */
  readonly codec: Codec
}

/**
 * A sample of the small values that are written, of at most about {@link MAX_RUNS} × {@link RUN_BYTES} bytes: runs of values that came one after
 * another, spread evenly over all that came.
 */
export class SmallValueSample {
  #runs: SampledValue[][] = []
  #open: SampledValue[] | undefined
  /** Bytes in the present run. */
  #runBytes = Infinity
  /** One out of this many runs is taken. */
  #stride = 1
  #count = 0
  #seenBytes = 0

  /** Bytes of all values that came, taken or not. */
  get seenBytes(): number {
    return this.#seenBytes
  }

  /** Key and value are copied if they are taken. */
  add(key: Buffer, value: Buffer, codec: Codec): void {
    this.#seenBytes += value.length
    if (key.length > RUN_BYTES) return // Its entry would be a run alone, of any length.
    if (this.#runBytes >= RUN_BYTES) this.#beginRun()
    this.#runBytes += key.length + value.length
    this.#open?.push({ key: Buffer.from(key), value: Buffer.from(value), codec })
  }

  /** The sample in the order of keys. Of a key that was written more than once it has the last value. */
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
