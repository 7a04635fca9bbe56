import Table from 'cli-table3'
import { bytesIn, type DocumentSet } from '../../bench/documents/document.js'
import { bytesText, countText, ratioText, threeDigits } from '../../bench/harness/number-text.js'
import type { Trial } from './trial.js'

/** One set of documents, kept by every contender. */
export interface Row {
  readonly set: DocumentSet
  readonly trials: readonly Trial[]
}

/** Ratios up to this many times the best are as good: LevelDB's own files differ by as much. */
const AS_GOOD = 1.01

/** A row for each set of documents, a column for each contender: bytes on disk and ratio above, write and read rate below. */
export function tableOf(rows: readonly Row[]): string {
  const contenders = rows[0]!.trials.map(({ contender }) => contender)
  const table = new Table({
    head: ['documents', 'bytes in', ...contenders.map((name, i) => (i === 0 ? `plain ${name}` : name))],
    colAligns: ['left', 'right', ...contenders.map(() => 'right' as const)],
    style: { head: [], border: [] }
  })
  for (const { set, trials } of rows) {
    const best = Math.min(...trials.map(({ ratio }) => ratio))
    table.push([
      `${set.name}\n${countOf(set)}`,
      `${bytesText(bytesIn(set))}\n${bytesText(bytesIn(set) / set.documents.length)} each`,
      ...trials.map(trial => cell(trial, trial.ratio <= best * AS_GOOD))
    ])
  }
  return table.toString()
}

function countOf({ documents: { length } }: DocumentSet): string {
  return `${countText(length)} ${length === 1 ? 'value' : 'values'}`
}

export const LEGEND = `Upper line: bytes on disk after compaction, and that over bytes in; * is the best of its row, or within 1 % of it.
Lower line: MB/s written / read (256 puts or gets in flight, no fsync, warm page cache; reading checks every byte).
plain Snappy is classic-level without the store. none, LZ4, Zstd are the store over it, with its default options.`

function cell({ bytesOnDisk, ratio, writeRate, readRate }: Trial, best: boolean): string {
  const disk = `${bytesText(bytesOnDisk)} ${best ? bold(`${ratioText(ratio)} *`) : `${ratioText(ratio)}  `}`
  return `${disk}\n${threeDigits(writeRate)} / ${threeDigits(readRate)}  `
}

function bold(text: string): string {
  return process.stdout.isTTY && process.env['NO_COLOR'] === undefined ? `\u001b[1m${text}\u001b[22m` : text
}
