import type { BitWriter } from './bit-writer.js'
import { decodingTable, type Distribution } from './fse-distribution.js'

/** Numbers of bits are kept from this bit on: the sum with a state, which is smaller, can carry into them. */
const BITS_SHIFT = 16

/**
 * Writes symbols by a distribution, the last one first, since a decoder reads the stream from its end. A state is the number of a decoder's state
 * plus the size of its table, and stands for the symbol that was written last. The bits that are written with the next symbol lead the decoder from
 * a state of that symbol to this state.
 */
export class FseEncoder {
  readonly accuracyLog: number
  readonly #size: number
  /** By symbol: how many cells it has. */
  readonly #cells: Uint16Array
  /** By symbol: the sum with a state is the number of bits to be written, from bit {@link BITS_SHIFT} on. */
  readonly bits: Int32Array
  /** By symbol: where its states begin in {@link states}, less the number of its cells. */
  readonly statesAt: Int16Array
  /** The states of each symbol, in order. */
  readonly states: Uint16Array

  constructor(distribution: Distribution) {
    this.accuracyLog = distribution.accuracyLog
    this.#size = 2 ** distribution.accuracyLog
    this.#cells = Uint16Array.from(distribution.cells, Math.abs)
    this.bits = Int32Array.from(this.#cells, cells => {
      // From state `cells << most` on, `most` bits are written; below it, one fewer. What is left is a number from `cells` to below 2 * `cells`.
      const most = this.accuracyLog - (cells > 1 ? 31 - Math.clz32(cells - 1) : 0)
      return (most << BITS_SHIFT) - (cells << most)
    })
    this.statesAt = new Int16Array(this.#cells.length)
    let at = 0
    this.#cells.forEach((cells, symbol) => {
      this.statesAt[symbol] = at - cells
      at += cells
    })
    this.states = new Uint16Array(this.#size)
    const next = this.statesAt.map((start, symbol) => start + this.#cells[symbol]!)
    decodingTable(distribution).symbols.forEach((symbol, state) => (this.states[next[symbol]!++] = state + this.#size))
  }

  /** Whether symbols 0 to `last` can be written. */
  canWriteTo(last: number): boolean {
    return this.#cells.length > last && this.#cells.subarray(0, last + 1).every(cells => cells > 0)
  }

  /** The state to begin with: of the symbol's states, the one that a decoder needs the most bits to leave. */
  begin(symbol: number): number {
    return this.states[this.statesAt[symbol]! + this.#cells[symbol]!]!
  }

  /** @returns the state of `symbol` from which a decoder gets to `state` */
  write(symbol: number, state: number, writer: BitWriter): number {
    const bits = (state + this.bits[symbol]!) >> BITS_SHIFT
    writer.add(state & ((1 << bits) - 1), bits)
    return this.states[this.statesAt[symbol]! + (state >> bits)]!
  }

  /** Writes the state that a decoder begins with. */
  end(state: number, writer: BitWriter): void {
    writer.add(state - this.#size, this.accuracyLog)
  }
}
