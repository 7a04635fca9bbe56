import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Cell, SizeResult } from '../comparison/results.js'
import { type Operation, OPERATIONS } from '../measure/operations.js'
import { FAMILY_COLOUR, ratioColour } from './colours.js'
import { figureText, ratioOf } from './figure-text.js'

const { document } = parseHTML('<!doctype html><html><body></body></html>')
const STYLE = { background: 'none', color: 'inherit', fontFamily: 'inherit', overflow: 'visible' } as const

/** How much room the names of contenders have. */
const NAMES = 190
const ROW = 26
const COLUMN = 62

/** Every ratio of every contender at one size. Red means slower, or larger, than the bare database. */
export function overview({ contenders, cells }: SizeResult): string {
  const known = cells.flatMap(cell => (cell.ratio === undefined ? [] : [{ ...cell, ratio: cell.ratio }]))
  const labels = OPERATIONS.filter(operation => known.some(cell => cell.operation === operation)).map(
    ({ label }) => label
  )
  const channels = { x: (cell: Cell) => cell.operation.label, y: nameOf }
  return svg({
    width: NAMES + labels.length * COLUMN + 20,
    height: 90 + contenders.length * ROW,
    marginLeft: NAMES,
    marginTop: 84,
    x: { domain: labels, axis: 'top', tickRotate: -45, label: null, tickSize: 0 },
    y: { domain: contenders.map(({ label }) => label), label: null, tickSize: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.cell(known, {
        ...channels,
        inset: 1,
        rx: 3,
        fill: ({ ratio }: { ratio: number }) => ratioColour(ratio),
        title: titleOf
      }),
      Plot.text(known, { ...channels, text: (cell: Cell) => ratioOf(cell.ratio), pointerEvents: 'none' })
    ]
  })
}

/** One operation at one size: a bar for every contender, its figure, and its ratio to the bare database. */
export function bars(cells: readonly Cell[], operation: Operation, labels: readonly string[]): string {
  const most = Math.max(...cells.map(({ figure }) => figure))
  const baseline = cells[0]!.figure
  return svg({
    width: 400,
    height: 10 + labels.length * 19,
    marginLeft: NAMES - 20,
    marginRight: 78,
    marginTop: 4,
    marginBottom: 6,
    x: { axis: null, domain: [0, most] },
    y: { domain: [...labels], label: null, tickSize: 0 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(cells, { x: 'figure', y: nameOf, fill: colourOf, rx: 2, title: titleOf }),
      Plot.ruleX([baseline], { stroke: 'currentColor', strokeDasharray: '2,3', strokeOpacity: 0.7 }),
      Plot.text(cells, {
        x: 'figure',
        y: nameOf,
        text: (cell: Cell) => `${figureText(operation, cell.figure)}  ×${ratioOf(cell.ratio) || '–'}`,
        textAnchor: 'start',
        dx: 4
      })
    ]
  })
}

/** Puts against space: to the right is faster, lower is smaller. */
export function spaceAndPuts({ valueBytes, records, cells }: SizeResult): string | undefined {
  const figureOf = (id: string, { contender }: Cell) =>
    cells.find(cell => cell.contender === contender && cell.operation.id === id)?.figure
  const points = cells
    .filter(({ operation }) => operation.id === 'disk')
    .flatMap(cell => {
      const puts = figureOf('put1000', cell)
      return puts === undefined ? [] : [{ cell, puts, space: cell.figure / (valueBytes * records) }]
    })
  if (points.length === 0) return undefined
  return svg({
    width: 620,
    height: 340,
    marginLeft: 60,
    marginRight: 130,
    marginBottom: 44,
    grid: true,
    x: { type: 'log', label: 'puts per second, 1000 in flight →', tickFormat: '~s' },
    y: { zero: true, label: '↑ bytes on disk for a byte of values, after closing' },
    color: { type: 'identity' },
    marks: [
      Plot.dot(points, {
        x: 'puts',
        y: 'space',
        r: 5,
        fill: ({ cell }: { cell: Cell }) => FAMILY_COLOUR[cell.contender.family]
      }),
      Plot.text(points, {
        x: 'puts',
        y: 'space',
        text: ({ cell }: { cell: Cell }) => cell.contender.label,
        textAnchor: 'start',
        dx: 9
      })
    ]
  })
}

function nameOf({ contender }: Cell): string {
  return contender.label
}

function colourOf({ contender }: Cell): string {
  return FAMILY_COLOUR[contender.family]
}

function titleOf({ contender, operation, figure, ratio }: Cell): string {
  return `${contender.label}, ${operation.label}: ${figureText(operation, figure)}, ratio ${ratioOf(ratio)}`
}

function svg(options: Plot.PlotOptions): string {
  return Plot.plot({ ...options, style: STYLE, document }).outerHTML
}
