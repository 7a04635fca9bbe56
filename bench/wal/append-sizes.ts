import type { CodecName, LogRecord } from 'compressed-kv'
import { cut } from '../documents/pieces.js'
import { inFlightFor } from '../harness/in-flight.js'
import { countText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate } from '../harness/rounds.js'
import { jsonPayload, type Payload, payloadText, randomPayload, recordsOf } from './payload.js'
import { medianOf, type Policy } from './rates.js'
import { inRawFile } from './raw-file.js'
import { KIB, MIB, sizeText } from './sizes.js'
import { inLog } from './temporary-log.js'

const SIZES = [100, KIB, 10 * KIB, MIB]
const ROUNDS = 3
/** How long calls are made for one figure. */
const MILLISECONDS = 40
const IN_FLIGHT = 1000
/** Bounds how many large records are in flight: no program holds a thousand of 1 MiB. */
const MAX_BYTES_IN_FLIGHT = 32 * MIB

/** Something that is measured. A round of it gives µs per record. */
interface Contender {
  readonly name: string
  run(values: readonly Buffer[], records: readonly LogRecord[], codec: CodecName, inFlight: number): Promise<number>
}

const CONTENDERS: readonly Contender[] = [
  throughLog('os', 'os', false),
  throughLog('os + sync', 'os', true),
  throughLog('interval', 'interval', false),
  throughLog('always', 'always', false),
  { name: 'raw write', run: values => rawWrites(values, false) },
  { name: '+ fdatasync', run: values => rawWrites(values, true) }
]

/** Measures appends of every size of record under every policy and codec, one at a time and with many in flight. */
export async function benchAppendSizes(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const noise = randomPayload()
  const sets = [
    { payload: json, codec: 'none' },
    { payload: json, codec: 'lz4' },
    { payload: json, codec: 'zstd' },
    { payload: noise, codec: 'none' }
  ] as const
  report.section(
    'Appends by size, codec and policy',
    `${payloadText(json)}; ${payloadText(noise)}. 'os + sync': policy os and { sync: true } with every append.`,
    `${ROUNDS} rounds of ${MILLISECONDS} ms in turns, medians. raw: a bare write of each value, without and with fdatasync after it.`
  )
  for (const many of [false, true]) {
    const rows: string[][] = []
    for (const { payload, codec } of sets) {
      for (const valueBytes of SIZES) rows.push(await rowOf(report, payload, codec, valueBytes, many))
    }
    const unit = many ? `records/s, ${IN_FLIGHT} in flight (32 of 1 MiB)` : 'µs a record, one at a time'
    report.line('')
    report.table([unit, 'codec', ...CONTENDERS.map(({ name }) => name)], rows)
  }
}

async function rowOf(
  report: Report,
  payload: Payload,
  codec: CodecName,
  valueBytes: number,
  many: boolean
): Promise<string[]> {
  const records = recordsOf(payload, valueBytes)
  const values = cut(payload, valueBytes)
  const limit = many ? Math.min(IN_FLIGHT, MAX_BYTES_IN_FLIGHT / valueBytes) : 1
  const rounds = await alternate(ROUNDS, CONTENDERS, contender => contender.run(values, records, codec, limit))
  const times = rounds.map(ofContender => medianOf(ofContender, time => time))
  for (const [i, { name }] of CONTENDERS.entries()) {
    report.record('wal append sizes', {
      payload: payload.name,
      bitsPerByte: payload.bits,
      codec,
      valueBytes,
      inFlight: limit,
      contender: name,
      microseconds: times[i]!
    })
  }
  const label = `${sizeText(valueBytes)} ${payload.name}`
  return [label, codec, ...times.map(time => (many ? countText(1e6 / time) : threeDigits(time)))]
}

function throughLog(name: string, policy: Policy, sync: boolean): Contender {
  return {
    name,
    run: async (_, records, codec, limit) =>
      inLog({ codec, fsync: policy }, async wal => {
        await wal.append(records[0]!)
        const start = performance.now()
        const ran = await inFlightFor(MILLISECONDS, limit, i => wal.append(records[i % records.length]!, { sync }))
        return ((performance.now() - start) * 1000) / ran
      })
  }
}

async function rawWrites(values: readonly Buffer[], sync: boolean): Promise<number> {
  return inRawFile(async file => {
    const start = performance.now()
    let ran = 0
    do {
      file.write(values[ran++ % values.length]!)
      if (sync) await file.sync()
    } while (performance.now() - start < MILLISECONDS)
    return ((performance.now() - start) * 1000) / ran
  })
}
