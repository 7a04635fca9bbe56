import { type Expectation, type Kind, kindsOfData } from './adaptive/kinds.js'
import { ADAPTIVE, type Measured, measureKind, ZSTD } from './adaptive/measure.js'
import { bitsPerByte } from './harness/entropy.js'
import { ratioText, threeDigits } from './harness/number-text.js'
import type { Report } from './harness/report.js'

interface Bar {
  readonly what: string
  readonly most: number
  readonly figure: (adaptive: Measured, zstd: Measured) => number
}

/** The bar for a choice among codecs, by what is expected of the data. */
const BARS: Readonly<Record<Expectation, Bar>> = {
  'zstd pays': {
    what: 'bytes over those of always zstd',
    most: 1.05,
    figure: (adaptive, zstd) => adaptive.ratio / zstd.ratio
  },
  incompressible: { what: 'time to write over that of always zstd', most: 0.25, figure: other => other.writeOverZstd },
  small: { what: 'time to write over that of always zstd', most: 0.6, figure: other => other.writeOverZstd }
}

/** Measures adaptive() beside always LZ4 and always Zstandard. */
export async function benchAdaptive(report: Report, corpus?: string): Promise<void> {
  report.section(
    'adaptive(), by kind of data',
    'bytes: stored over raw; a value of which less than 10 % is saved is kept raw. MB/s are of raw bytes, all on the calling thread; to read a raw',
    'value is to return it. /zstd: time to write over that of always zstd, the median of the rounds. "told" knows which values are tensors.',
    'All is in memory, nothing is written.'
  )
  const bars: (() => void)[] = []
  for (const kind of kindsOfData(corpus)) {
    const measured = await measureKind(kind)
    print(report, kind, measured)
    bars.push(() => printBar(report, kind, measured))
  }
  report.line('')
  for (const printNext of bars) printNext()
}

function print(report: Report, kind: Kind, measured: readonly Measured[]): void {
  const bits = bitsPerByte(kind.values)
  report.line('')
  report.table(
    [
      `${kind.name}, ${kind.values.length} of them, ${bits.toFixed(2)} bits/byte`.padEnd(64),
      'bytes',
      'write MB/s',
      '/zstd',
      'read MB/s',
      'stored as'
    ],
    measured.map(({ name, ratio, writeMBs, writeOverZstd, readMBs, stored }) => [
      name,
      ratioText(ratio),
      threeDigits(writeMBs),
      ratioText(writeOverZstd),
      threeDigits(readMBs),
      [...stored].map(([codec, count]) => `${codec} ${count}`).join(', ')
    ])
  )
  for (const { name, ratio, writeMBs, writeOverZstd, readMBs, stored } of measured) {
    report.record('adaptive', {
      kind: kind.name,
      values: kind.values.length,
      bitsPerByte: bits,
      contender: name,
      ratio,
      writeMBs,
      writeOverZstd,
      readMBs,
      stored: JSON.stringify(Object.fromEntries(stored))
    })
  }
}

function printBar(report: Report, { name, expectation }: Kind, measured: readonly Measured[]): void {
  const of = (contender: string) => measured.find(other => other.name === contender)!
  const { what, most, figure } = BARS[expectation]
  report.bar(`${name}: ${what}`, figure(of(ADAPTIVE), of(ZSTD)), '<=', most)
}
