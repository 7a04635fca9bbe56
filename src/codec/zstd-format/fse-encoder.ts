import type { BitWriter } from './bit-writer.js'
import { decodingTable, type Distribution } from './fse-distribution.js'

/**
 * Writes symbols by a distribution, the last one first, since a decoder reads the stream from its end. A state is one of the decoder's, which
 * stands for the symbol written last; the decoder comes to it from a state of the symbol written next, by as many bits as are written then.
 */
export class FseEncoder {
  readonly #accuracyLog: number
  readonly #size: number
  /** By symbol: its cells, and where its states begin in {@link #states}, less its cells. */
  readonly #cells: Uint16Array
  readonly #statesAt: Int16Array
  /** The states of each symbol, in order. */
  readonly #states: Uint16Array

  constructor(distribution: Distribution) {
    this.#accuracyLog = distribution.accuracyLog
    this.#size = 2 ** distribution.accuracyLog
    this.#cells = Uint16Array.from(distribution.cells, Math.abs)
    this.#statesAt = new Int16Array(this.#cells.length)
    let at = 0
    this.#cells.forEach((cells, symbol) => {
      this.#statesAt[symbol] = at - cells
      at += cells
    })
    this.#states = new Uint16Array(this.#size)
    const next = this.#statesAt.map((start, symbol) => start + this.#cells[symbol]!)
    decodingTable(distribution).forEach(({ symbol }, state) => (this.#states[next[symbol]!++] = state))
  }

  /** Whether symbols 0 to `last` can be written. */
  canWriteTo(last: number): boolean {
    return this.#cells.length > last && this.#cells.subarray(0, last + 1).every(cells => cells > 0)
  }

  /** The state to begin with: of the symbol's states the one that takes the most bits to leave. */
  begin(symbol: number): number {
    return this.#states[this.#statesAt[symbol]! + this.#cells[symbol]!]!
  }

  /** @returns the state of `symbol` from which a decoder comes to `state` */
  write(symbol: number, state: number, writer: BitWriter): number {
    const cells = this.#cells[symbol]!
    const shifted = state + this.#size
    // The bits are those that leave a number from `cells` to below twice as much: which of the symbol's states it is.
    let bits = this.#accuracyLog - (31 - Math.clz32(cells))
    if (shifted >>> bits < cells) bits--
    writer.add(shifted & ((1 << bits) - 1), bits)
    return this.#states[this.#statesAt[symbol]! + (shifted >>> bits)]!
  }

  /** What a decoder begins with. */
  end(state: number, writer: BitWriter): void {
    writer.add(state, this.#accuracyLog)
  }
}
