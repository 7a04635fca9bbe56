import type { Verdict } from '../acceptance/acceptance.js'
import type { Comparison } from '../comparison/comparison.js'
import type { Contender } from '../contenders/contender.js'
import type { Machine } from '../machine.js'
import type { Effort } from '../settings.js'

/** Everything of one run. */
export interface Results extends Comparison {
  readonly date: Date
  readonly seconds: number
  readonly effort: Effort
  readonly payload: string
  readonly machine: Machine
  readonly contenders: readonly Contender[]
  readonly verdicts: readonly Verdict[]
}

/** What --json keeps: names instead of objects. */
export function figuresOf({ contenders, sizes, failures, verdicts, ...run }: Results): object {
  return {
    ...run,
    contenders: contenders.map(({ id, label, family, valuesAs, putPromise, durablePut }) => ({
      id,
      label,
      family,
      valuesAs,
      putPromise,
      durablePut
    })),
    sizes: sizes.map(({ valueBytes, entropy, records, cells }) => ({
      valueBytes,
      entropy,
      records,
      cells: cells.map(({ contender, operation, figure, ratio }) => ({
        contender: contender.id,
        operation: operation.id,
        unit: operation.unit,
        figure,
        ratio: ratio ?? null
      }))
    })),
    failures: failures.map(({ contender, ...failure }) => ({ contender: contender.id, ...failure })),
    acceptance: verdicts
  }
}
