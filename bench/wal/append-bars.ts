import type { CodecName } from 'compressed-kv'
import { countText, megabytesPerSecond, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { compressionAlone } from './codec-alone.js'
import { earthquakes, jsonPayload, type Payload, payloadText, randomPayload, recordsOf } from './payload.js'
import { appendAll, medianOf, type Policy, thousands, timeOf } from './rates.js'
import { rawWriteTime } from './raw-file.js'
import { KIB, MIB, sizeText } from './sizes.js'
import { inLog } from './temporary-log.js'

const ROUNDS = 5
const IN_FLIGHT = 1000
/** The bytes of values in one round. */
const VOLUME = 64 * MIB
const SMALL_VOLUME = 24 * MIB
/** The same for the codec alone, whose rate shows with fewer. */
const CODEC_VOLUME = 16 * MIB

/** The least bytes/s, over those of the disk or the codec alone. */
const QUOTIENT_BAR = 0.9

interface Load {
  readonly payload: Payload
  /** 'default' is LZ4 for blocks that it can keep up with. A codec that is named compresses every block. */
  readonly codec: CodecName | 'default'
  readonly policy: Policy
  readonly valueBytes: number
  /** The least records/s. */
  readonly bar?: number
  /** Whether the log is synced at the end, as is the raw write that it is compared with. */
  readonly syncAtEnd?: boolean
}

/** One round: MB/s of values, but for `stored`. */
interface Round {
  readonly log: number
  /** Bytes of frames in the log, over bytes of the records in them. */
  readonly stored: number
  readonly codec: number
  readonly rawWrite: number
  readonly rawSync: number
}

/** Measures appends with 1000 in flight, beside what bounds them: the codec alone, and bare writes of the same values. */
export async function benchAppendBars(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const quakes = earthquakes(corpus)
  const noise = randomPayload()
  report.section(
    `Appends, ${IN_FLIGHT} in flight`,
    `${payloadText(json)}; ${quakes === undefined ? '' : `${payloadText(quakes)}; `}${payloadText(noise)} (order 0).`,
    `Records have values of one size and keys of 8 bytes, and are made before; MB/s are of values. ${ROUNDS} rounds in turns, medians; 'sync' is one at the end.`,
    'codec: the better of one thread and three calls in flight, with blocks of 64 KiB. raw: bare writes of the values, 1 MiB each, without and',
    'with an fdatasync at the end. / slower: over the slower of codec and raw write (with the fdatasync, if the log is synced).',
    "stored: bytes in the log over bytes of records. The codec 'default' compresses only blocks that do not hold up others."
  )
  const lz4 = { payload: json, codec: 'lz4', valueBytes: KIB } as const
  const loads: readonly Load[] = [
    { ...lz4, policy: 'os', bar: 300_000 },
    { ...lz4, policy: 'interval', bar: 240_000 },
    { ...lz4, policy: 'always', bar: 100_000 },
    { ...lz4, policy: 'os', valueBytes: 100, bar: 600_000 },
    { ...lz4, policy: 'os', valueBytes: 10 * KIB, bar: 60_000 },
    { ...lz4, codec: 'default', policy: 'os', valueBytes: 10 * KIB, bar: 60_000 },
    ...(quakes === undefined ? [] : [{ ...lz4, payload: quakes, policy: 'os', bar: 300_000 } as const]),
    { ...lz4, policy: 'os', codec: 'none' },
    { ...lz4, policy: 'os', codec: 'zstd' },
    { ...lz4, policy: 'os', syncAtEnd: true },
    { payload: noise, codec: 'none', policy: 'os', valueBytes: KIB, syncAtEnd: true },
    { payload: noise, codec: 'none', policy: 'os', valueBytes: 10 * KIB, syncAtEnd: true },
    // With this policy the log syncs while it writes, so that less is left for the end.
    { payload: noise, codec: 'none', policy: 'interval', valueBytes: 10 * KIB, syncAtEnd: true },
    { payload: noise, codec: 'none', policy: 'interval', valueBytes: 64 * KIB, syncAtEnd: true }
  ]
  const results: { load: Load; rounds: readonly Round[] }[] = []
  await round(loads[0]!) // Code is slow when it runs for the first time.
  const rounds = await alternate(ROUNDS, loads, round)
  for (const [i, load] of loads.entries()) results.push({ load, rounds: rounds[i]! })

  report.line('')
  report.table(
    ['', 'codec', 'policy', 'appends/s', 'MB/s', 'stored', 'codec', '/ codec', 'raw write', '+ fdatasync', '/ slower'],
    results.map(result => rowOf(report, result))
  )
  report.line('')
  for (const { load, rounds: ofLoad } of results) bars(report, load, ofLoad)
}

async function round({ payload, codec, policy, valueBytes, syncAtEnd = false }: Load): Promise<Round> {
  const records = recordsOf(payload, valueBytes)
  const count = Math.floor((valueBytes < KIB ? SMALL_VOLUME : VOLUME) / valueBytes)
  const bytes = count * valueBytes
  const settings = { codec: codec === 'default' ? undefined : codec, fsync: policy }
  const { log, stored } = await inLog(settings, async wal => {
    await wal.append(records[0]!) // The first append makes the first segment.
    const time = await timeOf(async () => {
      await appendAll(wal, records, count, IN_FLIGHT)
      if (syncAtEnd) await wal.sync()
    })
    const { bytes: inFrames, rawBytes } = wal.stats()
    return { log: time, stored: inFrames / rawBytes }
  })
  const alone = isAlways(codec) ? (await compressionAlone(codec, payload, CODEC_VOLUME)).best : Infinity
  return {
    log: megabytesPerSecond(bytes, log),
    stored,
    codec: alone,
    rawWrite: megabytesPerSecond(bytes, await rawWriteTime(payload.bytes, bytes, 'nothing')),
    rawSync: megabytesPerSecond(bytes, await rawWriteTime(payload.bytes, bytes, 'fdatasync'))
  }
}

/** Whether the codec compresses every block, so that the log is no faster than the codec. */
function isAlways(codec: Load['codec']): codec is Exclude<CodecName, 'none'> {
  return codec !== 'none' && codec !== 'default'
}

function overSlower({ syncAtEnd = false }: Load, rounds: readonly Round[]): number {
  const slower = rounds.map(({ codec, rawWrite, rawSync }) => Math.min(codec, syncAtEnd ? rawSync : rawWrite))
  return medianQuotient(
    rounds.map(({ log }) => log),
    slower
  )
}

function overCodec(rounds: readonly Round[]): number {
  return medianQuotient(
    rounds.map(({ log }) => log),
    rounds.map(({ codec }) => codec)
  )
}

function rowOf(report: Report, { load, rounds }: { load: Load; rounds: readonly Round[] }): string[] {
  const { payload, codec, policy, valueBytes, syncAtEnd = false } = load
  const log = medianOf(rounds, figures => figures.log)
  const stored = medianOf(rounds, figures => figures.stored)
  const alone = medianOf(rounds, figures => figures.codec)
  const rawWrite = medianOf(rounds, figures => figures.rawWrite)
  const rawSync = medianOf(rounds, figures => figures.rawSync)
  const quotient = overSlower(load, rounds)
  const compressed = isAlways(codec)
  report.record('wal appends', {
    payload: payload.name,
    bitsPerByte: payload.bits,
    codec,
    policy,
    valueBytes,
    syncAtEnd,
    inFlight: IN_FLIGHT,
    appendsPerSecond: (log * 1e6) / valueBytes,
    megabytesPerSecond: log,
    stored,
    codecAloneMBs: compressed ? alone : null,
    overCodecAlone: compressed ? overCodec(rounds) : null,
    rawWriteMBs: rawWrite,
    rawWriteSyncMBs: rawSync,
    overSlower: quotient
  })
  return [
    `${sizeText(valueBytes)} ${payload.name}`,
    codec,
    syncAtEnd ? `${policy}, sync` : policy,
    countText((log * 1e6) / valueBytes),
    threeDigits(log),
    ratioText(stored),
    compressed ? threeDigits(alone) : '',
    compressed ? ratioText(overCodec(rounds)) : '',
    threeDigits(rawWrite),
    threeDigits(rawSync),
    ratioText(quotient)
  ]
}

function bars(report: Report, load: Load, rounds: readonly Round[]): void {
  const { payload, codec, policy, valueBytes, bar, syncAtEnd = false } = load
  if (bar !== undefined) {
    const perSecond = (medianOf(rounds, figures => figures.log) * 1e6) / valueBytes
    const bound = (medianOf(rounds, figures => figures.codec) * 1e6) / valueBytes
    const of = isAlways(codec) ? `codec alone: ${thousands(bound)}` : 'default codec, which yields'
    const what = `${sizeText(valueBytes)} ${payload.name}, ${policy}, 1000 appends/s (${of})`
    report.bar(what, perSecond / 1000, '>=', bar / 1000)
  }
  if (!syncAtEnd) return
  const against = codec === 'none' ? 'raw write + fdatasync' : 'the slower of codec and raw disk'
  report.bar(
    `${sizeText(valueBytes)} ${payload.name}, ${codec}, ${policy} / ${against}`,
    overSlower(load, rounds),
    '>=',
    QUOTIENT_BAR
  )
}
