import { median } from '../../harness/median.js'
import { BASELINE } from '../contenders/bare.js'
import type { Contender } from '../contenders/contender.js'
import { advantage, type Figures, type Operation, OPERATIONS } from '../measure/operations.js'

/** What one contender reached in one operation, over all rounds. */
export interface Cell {
  readonly contender: Contender
  readonly operation: Operation
  readonly valueBytes: number
  readonly figure: number
  /** Over bare classic-level with Snappy in the same round; above 1 is better, whichever way the figure goes. */
  readonly ratio: number | undefined
}

/** Every contender at one size. */
export interface SizeResult {
  readonly valueBytes: number
  readonly entropy: number
  readonly records: number
  readonly contenders: readonly Contender[]
  readonly cells: readonly Cell[]
}

export interface Failure {
  readonly contender: Contender
  readonly valueBytes: number
  readonly message: string
}

type Rounds = ReadonlyMap<Contender, readonly (Figures | undefined)[]>

export function cellsOf(rounds: Rounds, valueBytes: number): Cell[] {
  const baseline = rounds.get(BASELINE) ?? []
  return [...rounds].flatMap(([contender, ofContender]) =>
    OPERATIONS.flatMap(operation => {
      const figures = ofContender.map(round => round && operation.figureOf(round))
      const known = figures.filter(figure => figure !== undefined)
      if (known.length === 0) return []
      const ratio = medianRatio(
        operation,
        figures,
        baseline.map(round => round && operation.figureOf(round))
      )
      return [{ contender, operation, valueBytes, figure: median(known), ratio }]
    })
  )
}

/** The median of the rounds' quotients: the noise of a round is in both of its figures. */
function medianRatio(
  operation: Operation,
  figures: readonly (number | undefined)[],
  baseline: readonly (number | undefined)[]
): number | undefined {
  const ratios = figures.flatMap((figure, round) => {
    const bare = baseline[round]
    return figure === undefined || bare === undefined ? [] : [advantage(operation, figure, bare)]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

export function cellOf({ cells }: SizeResult, contender: Contender, operation: Operation): Cell | undefined {
  return cells.find(cell => cell.contender === contender && cell.operation === operation)
}

/** Where this store is behind the bare database, the worst first. */
export function losses(sizes: readonly SizeResult[]): Cell[] {
  return sizes
    .flatMap(({ cells }) => cells)
    .filter(({ contender, ratio }) => contender.family === 'store' && ratio !== undefined && ratio < 1)
    .sort((a, b) => a.ratio! - b.ratio!)
}
