import { countText, threeDigits } from '../../harness/number-text.js'
import { sizeText } from '../../wal/sizes.js'
import type { Verdict } from '../acceptance/acceptance.js'
import { losses, type SizeResult } from '../comparison/results.js'
import { OPERATIONS } from '../measure/operations.js'
import { figureText, ratioOf } from './figure-text.js'
import { escaped, tableOf } from './html.js'
import { durabilityRows, EXPLANATION, leftOut, rawDiskText } from './notes.js'
import { bars, overview, spaceAndPuts } from './plots.js'
import type { Results } from './results.js'
import { STYLE } from './style.js'

/** The report as one file, which loads nothing: style, plots and tables are in it. */
export function pageOf(results: Results): string {
  const { sizes, machine, payload, date, effort, seconds, verdicts } = results
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>compressed-kv compared</title><style>${STYLE}</style></head><body>
<h1>compressed-kv beside its rivals</h1>
<p class="faint">${date.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${effort} run of ${seconds.toFixed(0)} s. Node.js ${machine.node},
${escaped(machine.platform)}, ${machine.cores} cores of ${escaped(machine.cpu)}. Values are pieces of ${escaped(payload)}.<br>${rawDiskText(machine)}</p>
${sizes.length === 0 ? '' : overviews(sizes)}
${verdicts.length === 0 ? '' : acceptance(verdicts)}
${sizes.length === 0 ? '' : lossesOf(sizes)}
${sizes.map(details).join('\n')}
<h2>What a put promises</h2>
${tableOf(['', 'values', 'a put that has resolved', 'durable put'], durabilityRows(results.contenders), [])}
<p>${[...leftOut(results.contenders), ...failures(results)].map(escaped).join('<br>')}</p>
</body></html>
`
}

function overviews(sizes: readonly SizeResult[]): string {
  const plots = sizes.map(size => `<h3>${titleOf(size)}</h3><figure class="overview">${overview(size)}</figure>`)
  return `<h2>Overview: ratios to bare classic-level with Snappy</h2>
<p>${EXPLANATION.map(escaped).join(' ')}</p>
<p class="key"><span style="background:var(--loss)"></span>below 1: slower, larger <span style="background:var(--gain)"></span>above 1: faster, smaller</p>
${plots.join('\n')}`
}

function lossesOf(sizes: readonly SizeResult[]): string {
  const rows = losses(sizes).map(({ contender, valueBytes, operation, figure, ratio }) => [
    contender.label,
    sizeText(valueBytes),
    operation.label,
    figureText(operation, figure),
    ratioOf(ratio)
  ])
  const height = Math.ceil(rows.length / LOSS_COLUMNS)
  const columns = Array.from({ length: LOSS_COLUMNS }, (_, i) => rows.slice(i * height, (i + 1) * height))
  const tables = columns.map(column => tableOf(['', 'values', 'operation', 'figure', 'ratio'], column, [3, 4]))
  return `<h2>Where this store loses</h2><p>Every cell below 1, the worst first: ${rows.length} of them.</p>
<div class="columns">${tables.join('\n')}</div>`
}

/** They may be hundreds. */
const LOSS_COLUMNS = 3

function acceptance(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ what, measured, sign, bar, unit, holds, details: made }) => {
    const verdict = `<td class="${holds ? 'ok' : 'below'}">${holds ? 'ok' : 'BELOW'}</td>`
    const figure = measured === undefined ? 'failed' : `${threeDigits(measured)}${unit}`
    return `<tr>${verdict}<td>${escaped(what)}</td><td class="number">${figure}</td><td>${escaped(sign)} ${bar}${unit}</td><td class="faint">${escaped(made)}</td></tr>`
  })
  return `<h2>Acceptance: write-back over classic-level</h2>
<p>1 KiB records, LZ4, beside bare classic-level with Snappy, unless it says otherwise; in turns, medians of the rounds.</p>
<div class="wide"><table><tbody>${rows.join('\n')}</tbody></table></div>`
}

function details(size: SizeResult): string {
  const figures = OPERATIONS.flatMap(operation => {
    const cells = size.cells.filter(cell => cell.operation === operation)
    if (cells.length === 0) return []
    const labels = cells.map(({ contender }) => contender.label)
    const better = operation.unit === '/s' ? 'per second, longer is better' : 'shorter is better'
    return [
      `<figure><figcaption>${escaped(operation.label)} <span class="faint">${better}</span></figcaption>${bars(cells, operation, labels)}</figure>`
    ]
  })
  const space = spaceAndPuts(size)
  return `<h2>Figures: ${titleOf(size)}</h2>
<p class="key">${countText(size.records)} records are held when it is read. <span style="background:var(--bare)"></span>bare
<span style="background:var(--rival)"></span>rival <span style="background:var(--store)"></span>this store; the dotted line is bare classic-level with Snappy.</p>
${space === undefined ? '' : `<figure>${space}</figure>`}
<div class="grid">${figures.join('\n')}</div>`
}

function titleOf({ valueBytes, entropy }: SizeResult): string {
  return `values of ${sizeText(valueBytes)}, ${entropy.toFixed(2)} bits per byte`
}

function failures({ failures: failed }: Results): string[] {
  return failed.map(
    ({ contender, valueBytes, message }) => `Failed: ${contender.label}, ${sizeText(valueBytes)}: ${message}`
  )
}
