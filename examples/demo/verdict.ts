import { bytesIn } from '../../bench/documents/document.js'
import { ratioText } from '../../bench/harness/number-text.js'
import type { Row } from './table.js'

/** Documents smaller than this are kept raw with default options; with LZ4 also larger ones, up to 4 KiB. */
const SMALL_BYTES = 1024

/** What the figures say, in a line for each kind of document. */
export function verdictOf(rows: readonly Row[]): string {
  const text = rows.filter(({ set }) => set.kind === 'text')
  const small = text.filter(({ set }) => bytesIn(set) / set.documents.length < SMALL_BYTES)
  const larger = text.filter(row => !small.includes(row))
  const tensors = rows.filter(({ set }) => set.kind === 'tensor')
  return [
    ...verdict('Small documents (below 1 KiB)', small),
    ...verdict('Documents from 1 KiB', larger),
    ...verdict('LLM KV tensors', tensors),
    ...price('The price from 1 KiB', larger)
  ].join('\n')
}

function verdict(of: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const snappy = onDisk(rows, 'Snappy')
  const lz4 = onDisk(rows, 'LZ4')
  const zstd = onDisk(rows, 'Zstd')
  const advice =
    zstd <= 0.95 * snappy
      ? `use Zstd: ${percent(1 - zstd / snappy)} less on disk than Snappy`
      : lz4 <= 0.95 * snappy
        ? `use LZ4: ${percent(1 - lz4 / snappy)} less on disk than Snappy`
        : rows.every(({ set }) => set.kind === 'tensor')
          ? 'no codec helps yet'
          : "stay on Snappy (default options keep them raw), or try dictionary: 'auto'"
  return [`${of}: ${advice}. Snappy ${ratioText(snappy)}, LZ4 ${ratioText(lz4)}, Zstd ${ratioText(zstd)} of bytes in.`]
}

function price(of: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const told = ['LZ4', 'Zstd'].map(
    name => `${name} writes at ${times(rows, name, 'writeRate')}, reads at ${times(rows, name, 'readRate')}`
  )
  return [`${of}: ${told.join('; ')} the plain database's rate.`]
}

/** Bytes on disk over bytes in, of all rows together. */
function onDisk(rows: readonly Row[], contender: string): number {
  const stored = rows.reduce((sum, row) => sum + trialOf(row, contender).bytesOnDisk, 0)
  return stored / rows.reduce((sum, { set }) => sum + bytesIn(set), 0)
}

/** A rate over the plain database's, of all rows together: their times are added, not their rates. */
function times(rows: readonly Row[], contender: string, rate: 'writeRate' | 'readRate'): string {
  const time = (name: string) => rows.reduce((sum, row) => sum + bytesIn(row.set) / trialOf(row, name)[rate], 0)
  return `${ratioText(time('Snappy') / time(contender))}x`
}

function trialOf({ trials }: Row, contender: string) {
  return trials.find(trial => trial.contender === contender)!
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
