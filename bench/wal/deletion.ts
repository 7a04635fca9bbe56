import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Position, Wal } from 'compressed-kv'
import { ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { randomPayload, payloadText, type Payload, recordsOf } from './payload.js'
import { timeOf } from './rates.js'
import { MIB, sizeText } from './sizes.js'

/** How many segments are deleted: one count after another, from the same log. */
const COUNTS = [5, 20, 50]
const SEGMENT_BYTES = [MIB, 8 * MIB, 32 * MIB]
/** The most bytes that a log may take, unless --full is given. */
const QUICK_BYTES = 640 * MIB
const VALUE_BYTES = 64 * 1024
const IN_FLIGHT = 64

/** Measures deleteSegmentsBefore(), beside bare unlinks of files of the same size. */
export async function benchDeletion(report: Report, full: boolean): Promise<void> {
  const noise = randomPayload()
  report.section(
    'Deletion of whole segments',
    `${payloadText(noise)}, codec none, policy os. raw: unlink of as many files of the same size, and an fsync of the directory. All files were synced.`,
    ...(full ? [] : ['With --full there are logs of more than 640 MiB as well.'])
  )
  const rows: string[][] = []
  for (const segmentBytes of SEGMENT_BYTES) {
    const counts = COUNTS.filter((_, i) => full || sum(COUNTS.slice(0, i + 1)) * segmentBytes <= QUICK_BYTES)
    const log = await fromLog(noise, segmentBytes, counts)
    const raw = await rawFiles(noise, segmentBytes, counts)
    for (const [i, count] of counts.entries()) {
      rows.push([
        `${count} of ${sizeText(segmentBytes)}`,
        `${threeDigits(log[i]!)} ms`,
        `${threeDigits(log[i]! / count)} ms`,
        `${threeDigits(raw[i]!)} ms`,
        ratioText(log[i]! / raw[i]!)
      ])
      report.record('wal deletion', {
        payload: noise.name,
        bitsPerByte: noise.bits,
        segments: count,
        segmentBytes,
        milliseconds: log[i]!,
        rawMilliseconds: raw[i]!
      })
    }
  }
  report.line('')
  report.table(['', 'log', 'a segment', 'raw', 'log / raw'], rows)
}

/** @returns how many milliseconds each deletion took */
async function fromLog(payload: Payload, segmentBytes: number, counts: readonly number[]): Promise<number[]> {
  return inTemporaryDirectory(async dir => {
    const { wal } = await Wal.open({ dir, codec: 'none', fsync: 'os', segmentBytes })
    const records = recordsOf(payload, VALUE_BYTES)
    const wanted = sum(counts) + 1
    for (let i = 0; wal.stats().segmentsRolled < wanted; i++) {
      const appended: Promise<Position>[] = []
      for (let j = 0; j < IN_FLIGHT; j++) appended.push(wal.append(records[(i * IN_FLIGHT + j) % records.length]!))
      await Promise.all(appended)
    }
    const times: number[] = []
    let before = 1
    for (const count of counts) {
      before += count
      times.push(
        await timeOf(async () => {
          const deleted = await wal.deleteSegmentsBefore({ segment: before, offset: 0, index: 0 })
          if (deleted !== count) throw new Error(`${deleted} segments of ${count} were deleted`)
        })
      )
    }
    await wal.close()
    return times
  })
}

async function rawFiles(payload: Payload, segmentBytes: number, counts: readonly number[]): Promise<number[]> {
  return inTemporaryDirectory(async directory => {
    const times: number[] = []
    for (const count of counts) {
      const paths = Array.from({ length: count }, (_, i) => join(directory, String(i)))
      for (const path of paths) writeSynced(path, payload.bytes, segmentBytes)
      const start = performance.now()
      for (const path of paths) unlinkSync(path)
      const descriptor = openSync(directory, 'r')
      fsyncSync(descriptor)
      closeSync(descriptor)
      times.push(performance.now() - start)
    }
    return times
  })
}

function writeSynced(path: string, source: Buffer, bytes: number): void {
  const descriptor = openSync(path, 'wx')
  for (let at = 0; at < bytes; at += MIB) writeSync(descriptor, source, at % source.length, MIB, at)
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
