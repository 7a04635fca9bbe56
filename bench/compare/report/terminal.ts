import { bytesText, countText, threeDigits } from '../../harness/number-text.js'
import { createReport } from '../../harness/report.js'
import { sizeText } from '../../wal/sizes.js'
import type { Verdict } from '../acceptance/acceptance.js'
import { cellOf, type Failure, losses, type SizeResult } from '../comparison/results.js'
import type { Contender } from '../contenders/contender.js'
import type { Machine } from '../machine.js'
import { OPERATIONS } from '../measure/operations.js'
import { boundedInFlight } from '../settings.js'
import { figureText, ratioOf } from './figure-text.js'
import { durabilityRows, EXPLANATION, leftOut, rawDiskText } from './notes.js'

const report = createReport()

export function printMachine(machine: Machine, payload: string, entropy: number): void {
  report.line(
    `Node.js ${machine.node}, ${machine.platform}, ${machine.cores} cores of ${machine.cpu}, ${bytesText(machine.memoryBytes)}. 1 MB = 10^6 bytes.`
  )
  report.line(rawDiskText(machine))
  report.line(
    `Values are pieces of ${payload}, ${entropy.toFixed(2)} bits per byte (order 0), under text keys in random order. Files are in the page cache.`
  )
}

export function printDurability(contenders: readonly Contender[]): void {
  report.section('Who takes part, and what a put promises when it resolves')
  const columns = ['', 'values', 'put', 'durable put']
  report.line(leftAligned([columns, ...durabilityRows(contenders)]))
  leftOut(contenders).forEach(text => report.line(text))
}

/** Words, not figures. */
function leftAligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map(row => row[i]!.length)))
  return rows
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

const GROUPS = ['writing', 'reading', 'held'] as const

export function printSize(result: SizeResult): void {
  const { valueBytes, entropy, records, contenders } = result
  report.section(
    `Values of ${sizeText(valueBytes)}, ${entropy.toFixed(2)} bits per byte (order 0); ${countText(records)} records held`,
    ...EXPLANATION,
    ...(boundedInFlight(1000, valueBytes) < 1000
      ? [`Instead of 1000 in flight or in a batch: ${boundedInFlight(1000, valueBytes)}.`]
      : [])
  )
  for (const group of GROUPS) {
    const operations = OPERATIONS.filter(
      operation => operation.group === group && contenders.some(contender => cellOf(result, contender, operation))
    )
    report.line('')
    report.table(
      ['', ...operations.map(({ label }) => label)],
      contenders.map(contender => [
        contender.label,
        ...operations.map(operation => {
          const cell = cellOf(result, contender, operation)
          return cell === undefined ? '-' : `${figureText(operation, cell.figure)} ${ratioOf(cell.ratio).padStart(5)}`
        })
      ])
    )
  }
}

export function printLosses(sizes: readonly SizeResult[]): void {
  const lost = losses(sizes)
  report.section('Where this store loses to bare classic-level with Snappy', 'Every cell below 1, the worst first.')
  if (lost.length === 0) return report.line('Nowhere in this run.')
  report.table(
    ['', 'values', 'operation', 'figure', 'ratio'],
    lost.map(({ contender, valueBytes, operation, figure, ratio }) => [
      contender.label,
      sizeText(valueBytes),
      operation.label,
      figureText(operation, figure),
      ratioOf(ratio)
    ])
  )
}

export function printFailures(failures: readonly Failure[]): void {
  for (const { contender, valueBytes, message } of failures) {
    report.line(`Failed: ${contender.label}, ${sizeText(valueBytes)}: ${message}`)
  }
}

export function printAcceptance(verdicts: readonly Verdict[], rounds: number): void {
  report.section(
    'Acceptance: write-back over classic-level beside bare classic-level with Snappy',
    `1 KiB records, LZ4, unless it says otherwise; in turns, ${rounds} rounds, each in a process of its own; medians.`
  )
  for (const { what, measured, sign, bar, unit, holds, details } of verdicts) {
    const figure = measured === undefined ? 'failed' : `${threeDigits(measured)}${unit}`
    report.line(
      `${holds ? 'ok   ' : 'BELOW'}  ${what.padEnd(66)} ${figure.padStart(9)} ${sign} ${bar}${unit}   (${details})`
    )
  }
}
