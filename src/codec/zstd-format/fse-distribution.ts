import { corruption } from '../../errors.js'
import { BIT_WRITER_SLACK_BYTES, BitWriter } from './bit-writer.js'

/**
 * How often each symbol is expected: how many of the 2^accuracyLog cells of a table it has. This is the input of Zstandard's finite state entropy
 * coder (RFC 8878, 4.1.1). Every symbol that can be written has at least one cell.
 */
export interface Distribution {
  readonly accuracyLog: number
  /** By symbol. -1 stands for one cell as well, of a symbol that is rarer than that. */
  readonly cells: readonly number[]
}

/** Longer than any description: 256 symbols of 10 bits. */
const MAX_DESCRIPTION_BYTES = 320
/** The smallest table that can be described. */
const MIN_ACCURACY_LOG = 5

/**
 * The distribution that writes symbols of these counts in the fewest bits. Symbols with count 0 get no cell. One more cell for a symbol saves
 * `count * log2((cells + 1) / cells)` bits, and less each time: so it is optimal to give each cell to the symbol for which it saves most.
 *
 * @param counts at least two above 0, and no more of them than cells
 */
export function distribute(counts: readonly number[], accuracyLog: number): Distribution {
  const cells = counts.map(count => (count > 0 ? 1 : 0))
  const gainOf = (symbol: number) => counts[symbol]! * Math.log2((cells[symbol]! + 1) / cells[symbol]!)
  const gains = counts.map((count, symbol) => (count > 0 ? gainOf(symbol) : -1))
  for (let left = 2 ** accuracyLog - cells.filter(cell => cell > 0).length; left > 0; left--) {
    let best = 0
    for (let symbol = 1; symbol < gains.length; symbol++) if (gains[symbol]! > gains[best]!) best = symbol
    cells[best]!++
    gains[best] = gainOf(best)
  }
  return { accuracyLog, cells }
}

/**
 * The table description of RFC 8878, 4.1.1. Of a field's 2^bits values only those up to `remaining` + 1 occur, so that the smallest ones are written
 * with one bit less.
 */
export function describeDistribution({ accuracyLog, cells }: Distribution): Uint8Array {
  const bytes = new Uint8Array(MAX_DESCRIPTION_BYTES + BIT_WRITER_SLACK_BYTES)
  const writer = new BitWriter(bytes)
  writer.add(accuracyLog - MIN_ACCURACY_LOG, 4)
  let remaining = 2 ** accuracyLog
  for (let symbol = 0; remaining > 0;) {
    const share = cells[symbol++]!
    const { bits, shortValues } = fieldFor(remaining)
    const value = share + 1
    if (value < shortValues) writer.add(value, bits - 1)
    else writer.add(value < 2 ** (bits - 1) ? value : value + shortValues, bits)
    remaining -= Math.abs(share)
    if (share !== 0) continue

    let zeros = 0
    while (cells[symbol + zeros] === 0) zeros++
    symbol += zeros
    for (; zeros >= 3; zeros -= 3) writer.add(3, 2)
    writer.add(zeros, 2)
  }
  return bytes.subarray(0, writer.finish())
}

/**
 * Reads the description that begins at `at`.
 *
 * @param maxSymbol the last symbol there can be
 * @throws LEVEL_CORRUPTION if it is cut off, or describes a larger table or more symbols
 */
export function readDistribution(
  bytes: Uint8Array,
  at: number,
  maxSymbol: number,
  maxAccuracyLog: number
): { distribution: Distribution; end: number } {
  let position = at * 8
  const peek = (bits: number) => {
    let value = 0
    for (let i = 0; i < bits; i++) value |= bit(bytes, position + i) << i
    return value
  }

  const accuracyLog = peek(4) + MIN_ACCURACY_LOG
  position += 4
  if (accuracyLog > maxAccuracyLog) throw corruption(`an entropy table of 2^${accuracyLog} cells`)
  const cells: number[] = []
  let remaining = 2 ** accuracyLog
  while (remaining > 0) {
    const { bits, shortValues } = fieldFor(remaining)
    const short = peek(bits - 1)
    const isShort = short < shortValues
    const value = isShort ? short : peek(bits)
    position += isShort ? bits - 1 : bits
    const share = (value < 2 ** (bits - 1) ? value : value - shortValues) - 1
    cells.push(share)
    remaining -= Math.abs(share)
    if (share === 0) {
      let zeros: number
      do {
        zeros = peek(2)
        position += 2
        for (let i = 0; i < zeros; i++) cells.push(0)
      } while (zeros === 3 && cells.length <= maxSymbol)
    }
    if (cells.length > maxSymbol + 1 || remaining < 0) throw corruption('an entropy table that does not fit its cells')
  }
  return { distribution: { accuracyLog, cells }, end: Math.ceil(position / 8) }
}

/** A field that holds 0 to `remaining` + 1: how wide it is, and how many of its values take one bit less. */
function fieldFor(remaining: number): { bits: number; shortValues: number } {
  const bits = 32 - Math.clz32(remaining + 1)
  return { bits, shortValues: 2 ** bits - 2 - remaining }
}

function bit(bytes: Uint8Array, position: number): number {
  const byte = bytes[position >>> 3]
  if (byte === undefined) throw corruption('an entropy table that is cut short')
  return (byte >>> (position & 7)) & 1
}

/**
 * The states of a decoder, in the order that RFC 8878, 4.1.1 fixes. Each stands for a symbol; the next state is its base plus the value of the
 * next bits, as many as the state says.
 */
interface DecodingTable {
  readonly accuracyLog: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

export function decodingTable({ accuracyLog, cells }: Distribution): DecodingTable {
  const size = 2 ** accuracyLog
  const symbols = new Uint8Array(size)
  let end = size
  cells.forEach((share, symbol) => {
    if (share === -1) symbols[--end] = symbol
  })
  const step = size / 2 + size / 8 + 3
  let position = 0
  cells.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      symbols[position] = symbol
      do position = (position + step) % size
      while (position >= end)
    }
  })

  const seen = Uint16Array.from(cells, Math.abs)
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const order = seen[symbols[state]!]!++
    bits[state] = accuracyLog - (31 - Math.clz32(order))
    bases[state] = (order << bits[state]!) - size
  }
  return { accuracyLog, symbols, bits, bases }
}
