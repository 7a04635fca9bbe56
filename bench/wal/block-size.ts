import { Wal } from 'compressed-kv'
import { shuffled } from '../documents/seeded.js'
import { inFlight } from '../harness/in-flight.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { jsonPayload, payloadText, recordsOf } from './payload.js'
import { appendAll, medianOf, microseconds, timeOf } from './rates.js'
import { scanAll } from './scan.js'
import { KIB, mebibytesPerSecond, MIB, sizeText } from './sizes.js'

const BLOCKS = [4, 16, 32, 64, 128, 256].map(kib => kib * KIB)
const ROUNDS = 3
const VALUE_BYTES = KIB
const VOLUME = 32 * MIB
const READS = 500

interface Round {
  readonly ratio: number
  readonly appendsPerSecond: number
  readonly readUs: number
  readonly scanMiBs: number
}

/** Measures what larger blocks gain and cost. */
export async function benchBlockSize(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  report.section(
    'Block size: ratio, appends, point reads, scan',
    `Records of 1 KiB of ${payloadText(json)}; policy os. ratio: raw over stored bytes. Appends with 1000 in flight; reads of random records whose frames`,
    `are not cached, with a warm page cache; scan in MiB/s of values. ${ROUNDS} rounds in turns, medians.`
  )
  const records = recordsOf(json, VALUE_BYTES)
  const count = VOLUME / VALUE_BYTES
  const variants = BLOCKS.flatMap(blockBytes => (['lz4', 'zstd'] as const).map(codec => ({ blockBytes, codec })))
  const rounds = await alternate(ROUNDS, variants, async ({ blockBytes, codec }): Promise<Round> =>
    inTemporaryDirectory(async dir => {
      const { wal } = await Wal.open({ dir, codec, blockBytes, fsync: 'os' })
      await wal.append(records[0]!)
      const appendMs = await timeOf(() => appendAll(wal, records, count, 1000))
      const { rawBytes, bytes } = wal.stats()
      const order = shuffled(count, 3)
      const readMs = await timeOf(() => inFlight(READS, 1, i => wal.get(1 + order[i]!)))
      const scanMs = await timeOf(() => scanAll(wal, count + 1))
      await wal.close()
      return {
        ratio: rawBytes / bytes,
        appendsPerSecond: (count * 1000) / appendMs,
        readUs: (readMs * 1000) / READS,
        scanMiBs: mebibytesPerSecond(VOLUME, scanMs)
      }
    })
  )
  const figures = rounds.map(ofVariant => ({
    ratio: medianOf(ofVariant, ({ ratio }) => ratio),
    appendsPerSecond: medianOf(ofVariant, round => round.appendsPerSecond),
    readUs: medianOf(ofVariant, ({ readUs }) => readUs),
    scanMiBs: medianOf(ofVariant, ({ scanMiBs }) => scanMiBs)
  }))
  for (const [i, { blockBytes, codec }] of variants.entries()) {
    report.record('wal block size', {
      payload: json.name,
      bitsPerByte: json.bits,
      policy: 'os',
      codec,
      blockBytes,
      ...figures[i]!
    })
  }
  const columns = ['ratio', 'appends/s', 'read', 'scan']
  report.line('')
  report.table(
    ['block', ...columns.map(column => `lz4 ${column}`), ...columns.map(column => `zstd ${column}`)],
    BLOCKS.map((blockBytes, i) => [sizeText(blockBytes), ...cells(figures[2 * i]!), ...cells(figures[2 * i + 1]!)])
  )
}

function cells({ ratio, appendsPerSecond, readUs, scanMiBs }: Round): string[] {
  return [ratioText(ratio), countText(appendsPerSecond), microseconds(readUs), threeDigits(scanMiBs)]
}
