import { threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'

/** What is commonly claimed for LZ4 and Zstandard, in MB/s on one core; for Zstandard at its default level. */
const CLAIMS = [
  { what: 'LZ4 compress', codec: 'lz4', direction: 'compress', claim: 500 },
  { what: 'LZ4 decompress', codec: 'lz4', direction: 'decompress', claim: 1500 },
  { what: 'Zstd compress', codec: 'zstd 3', direction: 'compress', claim: 150 },
  { what: 'Zstd decompress', codec: 'zstd 3', direction: 'decompress', claim: 500 }
] as const

/** MB/s of raw bytes, by how it is called. */
export interface Rates {
  readonly sync: number
  readonly one: number
  /** Undefined if measuring it would take too long. */
  readonly eight: number | undefined
}

export interface Throughput {
  readonly codec: string
  readonly size: string
  /** Compressed bytes over raw bytes, without envelopes. */
  readonly ratio: number
  readonly compress: Rates
  readonly decompress: Rates
}

/** Prints each claim beside what was measured here, with calls of three kinds. A quotient of 1 or more keeps the claim. */
export function printClaims(report: Report, throughputs: readonly Throughput[]): void {
  report.line(
    '\nCommon claims, and what was measured here: MB/s, and that over the claim; 1.00x or more keeps the claim\n'
  )
  const rows = CLAIMS.flatMap(({ what, codec, direction, claim }) =>
    throughputs
      .filter(throughput => throughput.codec === codec)
      .map(({ size, [direction]: rates }) => {
        report.record('codec claim', {
          what,
          size,
          claim,
          syncMBs: rates.sync,
          inFlight1MBs: rates.one,
          inFlight8MBs: rates.eight ?? null
        })
        return [`${what} ${claim}`, size, ...[rates.sync, rates.one, rates.eight].map(rate => against(rate, claim))]
      })
  )
  report.table(['claim', 'size', 'sync', '1 in flight', '8 in flight'], rows)
}

function against(rate: number | undefined, claim: number): string {
  if (rate === undefined) return '-'
  return `${threeDigits(rate)} ${(rate / claim).toFixed(2)}x ${rate >= claim ? 'ok  ' : 'less'}`
}
