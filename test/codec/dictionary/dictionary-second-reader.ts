// Reads the header of a dictionary from RFC 8878 alone: it shares no line with the library.

interface DictionaryParts {
  readonly id: number
  /** Bits of the code of each byte; 0 for none. */
  readonly codeBits: readonly number[]
  /** Cells by symbol. */
  readonly offsets: readonly number[]
  readonly matchLengths: readonly number[]
  readonly literalLengths: readonly number[]
  readonly repeats: readonly number[]
  readonly content: Buffer
}

export function readDictionary(bytes: Buffer): DictionaryParts {
  if (bytes.readUInt32LE(0) !== 0xec30a437) throw new Error('no dictionary')
  const weightBytes = bytes[8]!
  if (weightBytes >= 128) throw new Error('weights that are not compressed')
  const codeBits = readCodeBits(bytes.subarray(9, 9 + weightBytes))
  const offsets = readTable(bytes.subarray(9 + weightBytes))
  let at = 9 + weightBytes + offsets.bytes
  const matchLengths = readTable(bytes.subarray(at))
  at += matchLengths.bytes
  const literalLengths = readTable(bytes.subarray(at))
  at += literalLengths.bytes
  return {
    id: bytes.readUInt32LE(4),
    codeBits,
    offsets: offsets.cells,
    matchLengths: matchLengths.cells,
    literalLengths: literalLengths.cells,
    repeats: [0, 4, 8].map(i => bytes.readUInt32LE(at + i)),
    content: bytes.subarray(at + 12)
  }
}

/** 4.1.1. The bits of all bytes as one number; the lowest come first. */
function readTable(bytes: Buffer): { log: number; cells: number[]; bytes: number } {
  let stream = BigInt(`0x${Buffer.from(bytes.subarray(0, 200).toReversed()).toString('hex')}`)
  let used = 0
  const take = (bits: number) => {
    const value = Number(stream & ((1n << BigInt(bits)) - 1n))
    stream >>= BigInt(bits)
    used += bits
    return value
  }
  const log = take(4) + 5
  const cells: number[] = []
  let left = 1 << log
  while (left > 0) {
    const possible = left + 2
    const bits = Math.ceil(Math.log2(possible))
    const short = (1 << bits) - possible
    let value = take(bits - 1)
    if (value >= short) {
      value += take(1) << (bits - 1)
      if (value >= 1 << (bits - 1)) value -= short
    }
    cells.push(value - 1)
    left -= Math.abs(value - 1)
    for (let zeros = value === 1 ? 3 : 0; zeros === 3;) {
      zeros = take(2)
      for (let i = 0; i < zeros; i++) cells.push(0)
    }
  }
  if (left < 0) throw new Error('more cells than the table has')
  return { log, cells, bytes: Math.ceil(used / 8) }
}

/** 4.2.1.2: two states take turns, until one needs bits that are not there. */
export function readCodeBits(bytes: Buffer): number[] {
  const { log, cells, bytes: tableBytes } = readTable(bytes)
  const states = statesOf(cells, log)
  const bits = [...bytes.subarray(tableBytes)].flatMap(byte => Array.from({ length: 8 }, (_, i) => (byte >> i) & 1))
  while (bits.pop() === 0);
  const take = (count: number) => {
    let value = 0
    for (let i = 0; i < count; i++) value = value * 2 + bits.pop()!
    return value
  }
  const current = [take(log), take(log)]
  const weights: number[] = []
  for (let i = 0; ; i ^= 1) {
    const state = states[current[i]!]!
    weights.push(state.symbol)
    if (state.bits > bits.length) {
      weights.push(states[current[i ^ 1]!]!.symbol)
      break
    }
    current[i] = state.base + take(state.bits)
  }
  const sum = weights.reduce((total, weight) => total + (weight === 0 ? 0 : 2 ** (weight - 1)), 0)
  const longest = Math.floor(Math.log2(sum)) + 1
  const last = Math.log2(2 ** longest - sum) + 1
  if (!Number.isInteger(last)) throw new Error('the last weight does not complete the code')
  return [...weights, last].map(weight => (weight === 0 ? 0 : longest + 1 - weight))
}

function statesOf(cells: readonly number[], log: number): { symbol: number; bits: number; base: number }[] {
  const size = 1 << log
  const symbols: (number | undefined)[] = Array.from({ length: size }, () => undefined)
  let end = size - 1
  cells.forEach((share, symbol) => share === -1 && (symbols[end--] = symbol))
  let position = 0
  cells.forEach((share, symbol) => {
    for (let i = 0; i < share; i++) {
      symbols[position] = symbol
      do position = (position + (size >> 1) + (size >> 3) + 3) & (size - 1)
      while (position > end)
    }
  })
  return symbols.map((symbol, state) => {
    const mine = symbols.flatMap((other, at) => (other === symbol ? [at] : []))
    const shares = 2 ** Math.ceil(Math.log2(mine.length))
    const doubles = shares - mine.length
    const order = mine.indexOf(state)
    const width = size / shares
    // The lowest states are twice as wide, and come after the others.
    const base = order < doubles ? (mine.length - doubles) * width + order * 2 * width : (order - doubles) * width
    return { symbol: symbol!, bits: Math.log2(order < doubles ? width * 2 : width), base }
  })
}
