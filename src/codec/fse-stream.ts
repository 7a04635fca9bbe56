import { BitWriter } from './bit-writer.js'
import type { Distribution } from './fse-distribution.js'

/** A state of the decoder: it stands for `symbol`; the next state is `base` plus the next `bits` bits. */
interface Cell {
  readonly symbol: number
  readonly bits: number
  readonly base: number
}

/**
 * Symbols as one stream with two interleaved states, as Huffman weights are written (RFC 8878, 4.2.1.2). A decoder reads it from its end,
 * so the encoder begins with the last symbol, and looks for the state from which the decoder would get to the state it is in.
 *
 * @param symbols at least two; each has a cell, and none has all of them: the decoder knows the end by running out of bits
 */
export function encodeInterleaved(symbols: readonly number[], distribution: Distribution): Uint8Array {
  const table = decodingTable(distribution)
  const writer = new BitWriter()
  // Of a symbol's states the first takes the most bits: the decoder must need some where there are none left.
  const states = [0, 0]
  for (const last of [symbols.length - 1, symbols.length - 2]) {
    states[last & 1] = table.findIndex(cell => cell.symbol === symbols[last])
  }
  for (let i = symbols.length - 3; i >= 0; i--) {
    const next = states[i & 1]!
    const state = table.findIndex(
      cell => cell.symbol === symbols[i] && cell.base <= next && next < cell.base + 2 ** cell.bits
    )
    writer.add(next - table[state]!.base, table[state]!.bits)
    states[i & 1] = state
  }
  writer.add(states[1]!, distribution.accuracyLog)
  writer.add(states[0]!, distribution.accuracyLog)
  writer.add(1, 1) // Marks where the stream ends in its last byte.
  return writer.finish()
}

/** The states of a decoder, in the order that RFC 8878, 4.1.1 fixes. */
export function decodingTable({ accuracyLog, cells }: Distribution): Cell[] {
  const size = 2 ** accuracyLog
  const symbolOf = new Uint8Array(size)
  let end = size
  cells.forEach((share, symbol) => {
    if (share === -1) symbolOf[--end] = symbol
  })
  const step = size / 2 + size / 8 + 3
  let position = 0
  cells.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      symbolOf[position] = symbol
      do position = (position + step) % size
      while (position >= end)
    }
  })

  const seen = cells.map(Math.abs)
  return Array.from(symbolOf, symbol => {
    const order = seen[symbol]!++
    const bits = accuracyLog - (31 - Math.clz32(order))
    return { symbol, bits, base: order * 2 ** bits - size }
  })
}
