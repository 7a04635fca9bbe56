import { type Codec, lz4, zstd } from 'compressed-kv'
import { cut, jsonSource } from '../documents/pieces.js'
import { bitsPerByte } from '../harness/entropy.js'
import { inFlight } from '../harness/in-flight.js'
import { median } from '../harness/median.js'
import { megabytesPerSecond, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { type Contender, OVER_MEMORY } from './contenders.js'

const VALUE_BYTES = 2 * 1024 * 1024
const IN_FLIGHT = 8
const VALUES = 24
const ROUNDS = 5

/** About what an envelope adds. */
const ENVELOPE_BYTES = 16

/** The least bytes/s of puts over those of the codec alone, for LZ4. */
const PUT_BAR = 0.8

/** MB/s of raw bytes in one round. */
interface Rate {
  readonly write: number
  readonly read: number
}

/** Measures what the store adds to the codec, with values of 2 MiB over memory-level, where the codec has nearly all of the work. */
export async function benchLargeValues(report: Report, corpus: string | undefined): Promise<void> {
  const source = jsonSource(corpus)
  const pieces = cut(source, VALUE_BYTES, VALUES)
  report.section(
    '2 MiB values over memory-level, 8 in flight, beside the codec alone',
    `Pieces of ${source.name}, ${bitsPerByte(pieces).toFixed(2)} bits per byte (order 0), as Buffers; ${VALUES} in a round, ${ROUNDS} rounds in turns.`,
    'alone: codec.compress and codec.decompress, also with 8 in flight. copies: of the value, and of the result to where its envelope would be, which',
    'a store has to make. MB/s are of raw bytes. All is in memory, there is no fsync.'
  )
  const rows: string[][] = []
  const quotients: Rate[] = []
  for (const [i, codec] of [lz4(), zstd()].entries()) {
    const runs = [
      () => codecAlone(codec, pieces),
      () => codecWithCopies(codec, pieces),
      () => throughStore(OVER_MEMORY[i]!, pieces)
    ]
    const [alone, copies, store] = await alternate(ROUNDS, runs, run => run())
    const over = overAlone(store!, alone!)
    const withCopies = overAlone(copies!, alone!)
    quotients.push(over)
    rows.push(
      ['codec alone', codec.name, rateText(alone!, 'write'), '', rateText(alone!, 'read'), ''],
      rowOf('codec and copies', codec.name, copies!, withCopies),
      rowOf('store', codec.name, store!, over)
    )
    report.record('store large values', {
      codec: codec.name,
      compressAloneMBs: medianOf(alone!, 'write'),
      putsMBs: medianOf(store!, 'write'),
      putsOverAlone: over.write,
      putsWithCopiesOverAlone: withCopies.write,
      decompressAloneMBs: medianOf(alone!, 'read'),
      getsMBs: medianOf(store!, 'read'),
      getsOverAlone: over.read,
      getsWithCopiesOverAlone: withCopies.read
    })
  }
  report.line('')
  report.table(['', 'codec', 'compress, put', '/ alone', 'decompress, get', '/ alone'], rows)
  report.line('')
  report.bar('memory-level, LZ4, 2 MiB, 8 in flight, puts / compress alone', quotients[0]!.write, '>=', PUT_BAR)
}

function overAlone(rounds: readonly Rate[], alone: readonly Rate[]): Rate {
  return { write: quotient(rounds, alone, 'write'), read: quotient(rounds, alone, 'read') }
}

function rowOf(name: string, codec: string, rounds: readonly Rate[], over: Rate): string[] {
  return [name, codec, rateText(rounds, 'write'), ratioText(over.write), rateText(rounds, 'read'), ratioText(over.read)]
}

async function codecAlone(codec: Codec, pieces: readonly Buffer[]): Promise<Rate> {
  const compressed: Uint8Array[] = []
  const write = await rate(async i => {
    compressed[i] = await codec.compress(pieceAt(pieces, i))
  })
  const read = await rate(i => codec.decompress(compressed[i]!, VALUE_BYTES))
  return { write, read }
}

/** The codec with the copies that every store has to make: the caller may change its value at once, and an envelope is one piece of memory. */
async function codecWithCopies(codec: Codec, pieces: readonly Buffer[]): Promise<Rate> {
  const copies = Array.from({ length: IN_FLIGHT }, () => Buffer.alloc(VALUE_BYTES))
  const envelopes: Buffer[] = []
  const write = await rate(async i => {
    const copy = copies.pop()!
    copy.set(pieceAt(pieces, i))
    const compressed = await codec.compress(copy)
    copies.push(copy)
    const envelope = Buffer.allocUnsafeSlow(compressed.length + ENVELOPE_BYTES)
    envelope.set(compressed)
    envelopes[i] = envelope
  })
  const read = await rate(i => codec.decompress(envelopes[i]!.subarray(0, -ENVELOPE_BYTES), VALUE_BYTES))
  return { write, read }
}

async function throughStore(contender: Contender, pieces: readonly Buffer[]): Promise<Rate> {
  const store = contender.create('')
  await store.open()
  const write = await rate(i => store.put(String(i), pieceAt(pieces, i)))
  const read = await rate(i => store.get(String(i)))
  await store.close()
  return { write, read }
}

async function rate(call: (i: number) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await inFlight(VALUES, IN_FLIGHT, call)
  return megabytesPerSecond(VALUES * VALUE_BYTES, performance.now() - start)
}

function pieceAt(pieces: readonly Buffer[], i: number): Buffer {
  return pieces[i % pieces.length]!
}

function medianOf(rounds: readonly Rate[], what: keyof Rate): number {
  return median(rounds.map(round => round[what]))
}

function rateText(rounds: readonly Rate[], what: keyof Rate): string {
  return `${threeDigits(medianOf(rounds, what))} MB/s`
}

function quotient(store: readonly Rate[], alone: readonly Rate[], what: keyof Rate): number {
  return medianQuotient(
    store.map(round => round[what]),
    alone.map(round => round[what])
  )
}
