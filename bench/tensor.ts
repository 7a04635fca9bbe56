import { bitsPerByte } from './harness/entropy.js'
import { ratioText, threeDigits } from './harness/number-text.js'
import type { Report } from './harness/report.js'
import { bloscContenders } from './tensor/blosc.js'
import { benchCacheLoad } from './tensor/cache-load.js'
import { TENSOR_LZ4, TENSOR_ZSTD } from './tensor/contenders.js'
import type { Times } from './tensor/measure-child.js'
import { type Measured, measureAll } from './tensor/measure.js'
import { halfEmptyTensor, realTensors, seededTensors, type Tensor } from './tensor/tensors.js'

/** Raw bytes over compressed ones that the tensor codec has to reach on real tensors. */
const RATIO_BARS = { bf16: { zstd: 1.47, lz4: 1.19 }, f16: { zstd: 1.17 }, f32: { zstd: 1.19 } } as const

/** The most ms for an entry of 2 MiB of bf16, with Zstandard inside. */
const ENCODE_BAR = 4.2
const DECODE_BAR = 1.8
/** The most processor time of the calling thread, over wall time. */
const MAIN_THREAD_BAR = 0.5

/** Measures the tensor codec beside LZ4 and Zstandard alone, Blosc, and a bare copy. */
export async function benchTensor(report: Report, corpus?: string): Promise<void> {
  report.section(
    'Tensors, entries of 2 MiB',
    'One call at a time, each line in a process of its own; off the main thread, except Blosc, which is WebAssembly. Ratio is raw over',
    'compressed bytes: larger is better.',
    'ms: the median, and in brackets the fastest tenth, which a busy machine changes less. main: processor time of the calling thread,',
    'and in brackets its share of the wall time of the same calls. All is in memory, nothing is written.'
  )
  if ((await bloscContenders()).length === 0)
    report.line('Blosc is left out: to install it, run npm ci --prefix bench/compare')
  if (corpus !== undefined) await benchSet(report, 'Real tensors of a language model', realTensors(corpus))
  else report.line('Real tensors are left out, and with them the bars: pass --corpus DIR.')
  await benchSet(report, 'Seeded: normally distributed, with outlier channels', [...seededTensors(), halfEmptyTensor()])
  await benchCacheLoad(report, corpus)
}

async function benchSet(report: Report, title: string, tensors: readonly Tensor[]): Promise<void> {
  report.line(`\n${title}`)
  const bars: (() => void)[] = []
  for (const tensor of tensors) {
    const measured = await measureAll(tensor)
    const bits = bitsPerByte([tensor.bytes])
    report.line('')
    report.table(
      [`${tensor.name}, ${bits.toFixed(2)} bits/byte`.padEnd(38), 'ratio', 'encode ms', 'main', 'decode ms', 'main'],
      measured.map(({ name, ratio, encode, decode }) => [
        name,
        ratioText(ratio),
        ...timesText(encode),
        ...timesText(decode)
      ])
    )
    for (const { name, ratio, encode, decode } of measured) {
      report.record('tensor', {
        tensor: tensor.name,
        dtype: tensor.dtype,
        real: tensor.real,
        bitsPerByte: bits,
        codec: name,
        ratio,
        encodeMs: encode.median,
        encodeBestMs: encode.best,
        encodeMainMs: encode.mainThread ?? null,
        encodeMainShare: encode.mainThreadShare ?? null,
        decodeMs: decode.median,
        decodeBestMs: decode.best,
        decodeMainMs: decode.mainThread ?? null,
        decodeMainShare: decode.mainThreadShare ?? null
      })
    }
    if (tensor.real) bars.push(() => printBars(report, tensor, measured))
  }
  report.line('')
  for (const print of bars) print()
}

function timesText({ median, best, mainThread, mainThreadShare }: Times): [string, string] {
  const main = mainThread === undefined ? '-' : `${threeDigits(mainThread)} (${ratioText(mainThreadShare!)})`
  return [`${threeDigits(median)} (${threeDigits(best)})`, main]
}

function printBars(report: Report, { name, dtype }: Tensor, measured: readonly Measured[]): void {
  const of = (contender: string) => measured.find(other => other.name === contender)!
  const bars: { zstd?: number; lz4?: number } = dtype === 'f64' || dtype === 'i8' ? {} : RATIO_BARS[dtype]
  const ours = of(TENSOR_ZSTD)
  if (bars.zstd !== undefined) report.bar(`${name}, zstd, ratio`, ours.ratio, '>=', bars.zstd)
  if (bars.lz4 !== undefined) report.bar(`${name}, lz4, ratio`, of(TENSOR_LZ4).ratio, '>=', bars.lz4)
  if (dtype !== 'bf16') return
  for (const [what, times, bar] of [
    ['encode', ours.encode, ENCODE_BAR],
    ['decode', ours.decode, DECODE_BAR]
  ] as const) {
    report.bar(`${name}, zstd, ${what} ms`, times.median, '<=', bar)
    if (times.mainThreadShare === undefined) continue
    report.bar(`${name}, zstd, ${what}, main thread's share`, times.mainThreadShare, '<=', MAIN_THREAD_BAR)
  }
}
