import { type CodecName, Wal } from 'compressed-kv'
import { bytesText, countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { decompressionAlone } from './codec-alone.js'
import { jsonPayload, type Payload, payloadText, randomPayload, recordsOf } from './payload.js'
import { appendAll, medianOf } from './rates.js'
import { rawReadTime } from './raw-file.js'
import { KIB, MIB, sizeText } from './sizes.js'

const ROUNDS = 3
const CODEC_VOLUME = 32 * MIB
/** The size of segments, in loads that have several. */
const SEGMENT_BYTES = 16 * MIB
/** The least GiB/s of values. */
const BAR = 1

interface Load {
  readonly payload: Payload
  readonly codec: CodecName
  readonly valueBytes: number
  /** How many records there are; with `segments` there are more, until there are that many segments. */
  readonly records: number
  readonly segments?: number
  readonly hasBar?: boolean
}

interface Round {
  readonly ms: number
  readonly records: number
  readonly segments: number
  readonly fileBytes: number
  /** How many milliseconds it takes to read the files alone. */
  readonly rawMs: number
  /** MB/s of raw bytes. */
  readonly codec: number
}

/** Measures how long a log takes to open: every frame is read, checked, decompressed and gone through. */
export async function benchRecovery(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const noise = randomPayload()
  report.section(
    'Recovery: Wal.open() of a closed log',
    `${payloadText(json)}; ${payloadText(noise)}. Every frame is read, checked and decoded, with a warm page cache; ${ROUNDS} rounds, medians.`,
    'GiB/s are of values. raw read: the files alone, 256 KiB at a time. codec: decompression alone, the better of one thread and three calls',
    'in flight; / codec: recovery over that.'
  )
  const lz4 = { payload: json, codec: 'lz4', valueBytes: 100 } as const
  const loads: readonly Load[] = [
    { ...lz4, records: 1000 },
    { ...lz4, records: 10_000 },
    { ...lz4, records: 50_000 },
    { ...lz4, records: 1_000_000 },
    { ...lz4, valueBytes: KIB, records: 1000, segments: 2 },
    { ...lz4, valueBytes: KIB, records: 1000, segments: 5 },
    { ...lz4, valueBytes: KIB, records: 192 * KIB, hasBar: true },
    { payload: noise, codec: 'none', valueBytes: KIB, records: 192 * KIB, hasBar: true }
  ]
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const load of loads) {
    const rounds = await roundsOf(load)
    rows.push(rowOf(report, load, rounds))
    if (load.hasBar === true) bars.push(() => bar(report, load, rounds))
  }
  report.line('')
  report.table(['', 'codec', 'segments', 'files', 'open', 'GiB/s', 'raw read', 'codec', '/ codec'], rows)
  report.line('')
  for (const print of bars) print()
}

async function roundsOf({ payload, codec, valueBytes, records: atLeast, segments }: Load): Promise<Round[]> {
  return inTemporaryDirectory(async dir => {
    const segmentBytes = segments === undefined ? undefined : SEGMENT_BYTES
    const { wal } = await Wal.open({ dir, codec, fsync: 'os', segmentBytes })
    const made = recordsOf(payload, valueBytes)
    do await appendAll(wal, made, atLeast, 1000)
    while (wal.stats().segments < (segments ?? 1))
    const { records: count } = wal.stats()
    await wal.close()
    const [rounds] = await alternate(ROUNDS, [0], async () => {
      const start = performance.now()
      const { wal: again, recovery } = await Wal.open({ dir, fsync: 'os' })
      const ms = performance.now() - start
      await again.close()
      if (recovery.records !== count) throw new Error(`${recovery.records} records of ${count} were recovered`)
      const raw = rawReadTime(dir)
      const alone = codec === 'none' ? Infinity : (await decompressionAlone(codec, payload, CODEC_VOLUME)).best
      return { ms, records: count, segments: recovery.segments, fileBytes: raw.bytes, rawMs: raw.ms, codec: alone }
    })
    return rounds!
  })
}

function gibibytesPerSecond({ valueBytes }: Load, { ms, records }: Round): number {
  return (valueBytes * records * 1000) / 2 ** 30 / ms
}

function codecGibibytes({ codec }: Round): number {
  return (codec * 1e6) / 2 ** 30
}

function rowOf(report: Report, load: Load, rounds: readonly Round[]): string[] {
  const { payload, codec, valueBytes } = load
  const rate = medianOf(rounds, round => gibibytesPerSecond(load, round))
  const ms = medianOf(rounds, round => round.ms)
  const rawMs = medianOf(rounds, round => round.rawMs)
  const alone = medianOf(rounds, codecGibibytes)
  const compressed = codec !== 'none'
  const over = medianQuotient(
    rounds.map(round => gibibytesPerSecond(load, round)),
    rounds.map(codecGibibytes)
  )
  const { records, segments, fileBytes } = rounds[0]!
  report.record('wal recovery', {
    payload: payload.name,
    bitsPerByte: payload.bits,
    codec,
    valueBytes,
    records,
    segments,
    fileBytes,
    milliseconds: ms,
    gibibytesPerSecond: rate,
    rawReadMilliseconds: rawMs,
    codecAloneGiBs: compressed ? alone : null
  })
  return [
    `${countText(records)} of ${sizeText(valueBytes)}, ${payload.name}`,
    codec,
    String(segments),
    bytesText(fileBytes),
    `${threeDigits(ms)} ms`,
    ratioText(rate),
    `${threeDigits(rawMs)} ms`,
    compressed ? `${ratioText(alone)} GiB/s` : '',
    compressed ? ratioText(over) : ''
  ]
}

function bar(report: Report, load: Load, rounds: readonly Round[]): void {
  const rate = medianOf(rounds, round => gibibytesPerSecond(load, round))
  const bound = load.codec === 'none' ? '' : ` (codec: ${ratioText(medianOf(rounds, codecGibibytes))})`
  report.bar(`recovery of ${load.payload.name}, ${load.codec}, GiB/s${bound}`, rate, '>=', BAR)
}
