import { type CodecName, Wal } from 'compressed-kv'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { decompressionAlone } from './codec-alone.js'
import { jsonPayload, type Payload, payloadText, randomPayload, recordsOf } from './payload.js'
import { appendAll, medianOf, timeOf } from './rates.js'
import { rawReadTime } from './raw-file.js'
import { KIB, mebibytesPerSecond, MIB, sizeText } from './sizes.js'

const ROUNDS = 3
const VOLUME = 96 * MIB
const SMALL_VOLUME = 24 * MIB
/** The least MiB/s of values, with records one by one. */
const BAR = 300

interface Load {
  readonly payload: Payload
  readonly codec: CodecName
  readonly valueBytes: number
}

/** MiB/s of values. */
interface Round {
  readonly scan: number
  readonly codec: number
  /** MiB/s of the files' bytes. */
  readonly rawRead: number
}

/** Measures `for await` over a whole log, with a warm page cache. */
export async function benchScan(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const noise = randomPayload()
  report.section(
    'Scan: read() from the first record to the last',
    `${payloadText(json)}; ${payloadText(noise)}. Records one by one with for await, in MiB/s of values; the page cache is warm; ${ROUNDS} rounds.`,
    'codec: decompression alone, the better of one thread and three calls in flight. raw read: the files, 256 KiB at a time, in MiB/s of their bytes.'
  )
  const loads: readonly Load[] = [
    { payload: json, codec: 'lz4', valueBytes: KIB },
    { payload: json, codec: 'lz4', valueBytes: 100 },
    { payload: json, codec: 'zstd', valueBytes: KIB },
    { payload: noise, codec: 'none', valueBytes: KIB }
  ]
  const rows: string[][] = []
  let first: readonly Round[] = []
  for (const load of loads) {
    const rounds = await roundsOf(load)
    if (load === loads[0]) first = rounds
    rows.push(rowOf(report, load, rounds))
  }
  report.line('')
  report.table(['', 'codec', 'records/s', 'MiB/s', 'codec', '/ codec', 'raw read'], rows)
  report.line('')
  const codec = threeDigits(medianOf(first, round => round.codec))
  report.bar(
    `scan of 1 KiB JSON, LZ4, MiB/s (codec: ${codec})`,
    medianOf(first, round => round.scan),
    '>=',
    BAR
  )
}

async function roundsOf({ payload, codec, valueBytes }: Load): Promise<Round[]> {
  const records = recordsOf(payload, valueBytes)
  const count = Math.floor((valueBytes < KIB ? SMALL_VOLUME : VOLUME) / valueBytes)
  return inTemporaryDirectory(async dir => {
    const { wal } = await Wal.open({ dir, codec, fsync: 'os' })
    await appendAll(wal, records, count, 1000)
    await scanAll(wal, count)
    const [rounds] = await alternate(ROUNDS, [0], async () => {
      const scan = mebibytesPerSecond(count * valueBytes, await timeOf(() => scanAll(wal, count)))
      const alone = codec === 'none' ? Infinity : (await decompressionAlone(codec, payload, SMALL_VOLUME)).best
      const raw = rawReadTime(dir)
      return { scan, codec: (alone * 1e6) / MIB, rawRead: mebibytesPerSecond(raw.bytes, raw.ms) }
    })
    await wal.close()
    return rounds!
  })
}

export async function scanAll(wal: Wal, count: number): Promise<void> {
  let seen = 0
  for await (const { record } of wal.read()) {
    if (record.kind === 'put') seen++
  }
  if (seen !== count) throw new Error(`The scan saw ${seen} records of ${count}`)
}

function rowOf(report: Report, { payload, codec, valueBytes }: Load, rounds: readonly Round[]): string[] {
  const scan = medianOf(rounds, round => round.scan)
  const alone = medianOf(rounds, round => round.codec)
  const rawRead = medianOf(rounds, round => round.rawRead)
  const compressed = codec !== 'none'
  const over = medianQuotient(
    rounds.map(round => round.scan),
    rounds.map(round => round.codec)
  )
  report.record('wal scan', {
    payload: payload.name,
    bitsPerByte: payload.bits,
    codec,
    valueBytes,
    mebibytesPerSecond: scan,
    recordsPerSecond: (scan * MIB) / valueBytes,
    codecAloneMiBs: compressed ? alone : null,
    overCodecAlone: compressed ? over : null,
    rawReadMiBs: rawRead
  })
  return [
    `${sizeText(valueBytes)} ${payload.name}`,
    codec,
    countText((scan * MIB) / valueBytes),
    threeDigits(scan),
    compressed ? threeDigits(alone) : '',
    compressed ? ratioText(over) : '',
    threeDigits(rawRead)
  ]
}
