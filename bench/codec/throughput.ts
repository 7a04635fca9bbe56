import { cut, jsonSource } from '../documents/pieces.js'
import { bitsPerByte } from '../harness/entropy.js'
import { ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { printClaims, type Rates, type Throughput } from './claims.js'
import { isAffordable, rateInFlight, rateOfCalls } from './rate.js'
import { CODECS, type CodecSetting } from './settings.js'

const KIB = 1024
const SIZES = [
  { name: '1 KiB', bytes: KIB },
  { name: '4 KiB', bytes: 4 * KIB },
  { name: '64 KiB', bytes: 64 * KIB },
  { name: '2 MiB', bytes: 2 * KIB * KIB }
] as const

/** The most values of one size: so many that a branch predictor cannot learn them, so few that zstd 19 gets done. */
const MAX_VALUES = 256
const MAX_BYTES = 4 * KIB * KIB

/** Measures every codec on values of every size, and prints it beside what is commonly claimed. */
export async function benchThroughput(report: Report, corpus: string | undefined): Promise<void> {
  const source = jsonSource(corpus)
  report.section(
    'Codec throughput and ratio',
    `Pieces of ${source.name}, ${bitsPerByte([source.bytes]).toFixed(2)} bits per byte (order 0). MB/s are of raw bytes; ratio is`,
    'compressed over raw. sync: one call after the other on the main thread. 1, 8: off the main thread, with that many in flight.',
    "All is in memory, nothing is written. 'none' only copies its input: its figures are the price of a call. -: eight calls would take too long."
  )
  await warmUp(cut(source, SIZES[1].bytes, MAX_VALUES))
  const all: Throughput[] = []
  for (const size of SIZES) {
    const values = cut(source, size.bytes, MAX_VALUES, MAX_BYTES)
    const measured: Throughput[] = []
    for (const setting of CODECS) measured.push(await measure(setting, size.name, values))
    printSize(report, size.name, measured)
    all.push(...measured)
  }
  printClaims(report, all)
}

/** WebAssembly is slow at first, since it is compiled in a hurry. A function is compiled again when it has run for a while. */
async function warmUp(values: readonly Buffer[]): Promise<void> {
  for (const { codec } of CODECS) {
    const compressed = values.map(value => codec.compressSync!(value))
    for (const [i, value] of values.entries()) codec.decompressSync!(compressed[i]!, value.length)
  }
}

async function measure({ name, codec }: CodecSetting, size: string, values: readonly Buffer[]): Promise<Throughput> {
  const compressed = values.map(value => codec.compressSync!(value))
  const lengths = values.map(({ length }) => length)
  const bytes = lengths.reduce((sum, length) => sum + length, 0)
  return {
    codec: name,
    size,
    ratio: compressed.reduce((sum, { length }) => sum + length, 0) / bytes,
    compress: await ratesOf(
      lengths,
      i => codec.compressSync!(values[i]!),
      i => codec.compress(values[i]!)
    ),
    decompress: await ratesOf(
      lengths,
      i => codec.decompressSync!(compressed[i]!, lengths[i]!),
      i => codec.decompress(compressed[i]!, lengths[i]!)
    )
  }
}

async function ratesOf(
  lengths: readonly number[],
  callSync: (i: number) => unknown,
  call: (i: number) => Promise<unknown>
): Promise<Rates> {
  const one = await rateInFlight(lengths, 1, call)
  return {
    sync: await rateOfCalls(lengths, callSync),
    one,
    eight: isAffordable(8, lengths[0]!, one) ? await rateInFlight(lengths, 8, call) : undefined
  }
}

function printSize(report: Report, size: string, measured: readonly Throughput[]): void {
  report.line('')
  report.table(
    [size, 'ratio', 'compress sync', '1', '8', 'decompress sync', '1', '8'],
    measured.map(({ codec, ratio, compress, decompress }) => [
      codec,
      ratioText(ratio),
      ...[compress.sync, compress.one, compress.eight, decompress.sync, decompress.one, decompress.eight].map(rateText)
    ])
  )
  for (const { codec, ratio, compress, decompress } of measured) {
    report.record('codec throughput', {
      size,
      codec,
      ratio,
      compressSyncMBs: compress.sync,
      compress1MBs: compress.one,
      compress8MBs: compress.eight ?? null,
      decompressSyncMBs: decompress.sync,
      decompress1MBs: decompress.one,
      decompress8MBs: decompress.eight ?? null
    })
  }
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? '-' : threeDigits(rate)
}
