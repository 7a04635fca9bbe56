import type { LogRecord } from 'compressed-kv'
import { inFlight } from '../harness/in-flight.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { type CodecRate, compressionAlone } from './codec-alone.js'
import { jsonPayload, payloadText, recordsOf } from './payload.js'
import { medianOf, timeOf } from './rates.js'
import { inRawFile } from './raw-file.js'
import { KIB, mebibytesPerSecond, MIB } from './sizes.js'
import { inLog } from './temporary-log.js'

const ROUNDS = 3
const BATCHES = [10, 100, 1000]
const VOLUME = 16 * MIB
/** The least MiB/s of values in batches of 1000, each synced. */
const BAR = 200

interface Contender {
  readonly name: string
  /** Resolves with the milliseconds that `count` batches took. */
  run(batches: readonly (readonly LogRecord[])[], count: number): Promise<number>
}

const CONTENDERS: readonly Contender[] = [
  throughLog('no sync', false, 1),
  throughLog('sync each', true, 1),
  throughLog('sync, 4 in flight', true, 4),
  { name: 'raw write', run: (batches, count) => rawWrites(batches, count, false) },
  { name: '+ fdatasync', run: (batches, count) => rawWrites(batches, count, true) }
]

/** Measures appendBatch() with batches of 10, 100 and 1000 records. */
export async function benchBatches(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const records = recordsOf(json, KIB)
  report.section(
    'Batches of 1 KiB records, MiB/s of values',
    `${payloadText(json)}; policy os, LZ4. One batch after another, or four in flight; ${ROUNDS} rounds in turns, medians.`,
    'raw: a bare write of the values of each batch, without and with fdatasync after it.'
  )
  const rows: string[][] = []
  for (const size of BATCHES) {
    const batches = chunksOf(records, size)
    const count = Math.floor(VOLUME / size / KIB)
    const codecs: CodecRate[] = []
    const rounds = await alternate(ROUNDS, CONTENDERS, async contender => {
      const milliseconds = await contender.run(batches, count)
      return mebibytesPerSecond(count * size * KIB, milliseconds)
    })
    for (let i = 0; i < ROUNDS; i++) codecs.push(await compressionAlone('lz4', json, VOLUME))
    const codec = medianOf(codecs, ({ best }) => (best * 1e6) / MIB)
    const medians = rounds.map(ofContender => medianOf(ofContender, rate => rate))
    const overCodec = medianQuotient(
      rounds[1]!,
      codecs.map(({ best }) => (best * 1e6) / MIB)
    )
    rows.push([`batches of ${countText(size)}`, ...medians.map(threeDigits), threeDigits(codec), ratioText(overCodec)])
    for (const [i, { name }] of CONTENDERS.entries()) {
      report.record('wal batches', {
        payload: json.name,
        bitsPerByte: json.bits,
        policy: 'os',
        codec: 'lz4',
        batch: size,
        contender: name,
        mebibytesPerSecond: medians[i]!,
        codecAloneMiBs: codec
      })
    }
    if (size !== BATCHES.at(-1)) continue
    report.line('')
    report.table(['', ...CONTENDERS.map(({ name }) => name), 'codec alone', 'sync each / codec'], rows)
    report.line('')
    report.bar(`batches of 1000, sync each, MiB/s (codec: ${threeDigits(codec)})`, medians[1]!, '>=', BAR)
    report.bar(`the same, 4 in flight (codec: ${threeDigits(codec)})`, medians[2]!, '>=', BAR)
  }
}

function throughLog(name: string, sync: boolean, limit: number): Contender {
  return {
    name,
    run: async (batches, count) =>
      inLog({ codec: 'lz4', fsync: 'os' }, async wal => {
        await wal.append(batches[0]![0]!)
        return timeOf(() => inFlight(count, limit, i => wal.appendBatch(batches[i % batches.length]!, { sync })))
      })
  }
}

async function rawWrites(batches: readonly (readonly LogRecord[])[], count: number, sync: boolean): Promise<number> {
  const joined = batches.map(batch => Buffer.concat(batch.map(({ value }) => value)))
  return inRawFile(file =>
    timeOf(async () => {
      for (let i = 0; i < count; i++) {
        file.write(joined[i % joined.length]!)
        if (sync) await file.sync()
      }
    })
  )
}

function chunksOf(records: readonly LogRecord[], size: number): LogRecord[][] {
  const count = Math.floor(records.length / size)
  return Array.from({ length: count }, (_, i) => records.slice(i * size, (i + 1) * size))
}
