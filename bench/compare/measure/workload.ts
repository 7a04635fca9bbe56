import type { Contender, Open, Value } from '../contenders/contender.js'
import { shuffledKeys } from '../payload.js'
import { boundedInFlight, type Settings } from '../settings.js'

/** One contender, values of one size, and where its databases may be. */
export interface Workload {
  readonly contender: Contender
  readonly open: Open
  readonly values: readonly Value[]
  readonly valueBytes: number
  readonly directory: string
  readonly settings: Settings
}

/** How many keys there are. The puts of a fast contender begin again with the first and overwrite: there is no end to them. */
const KEYS = 1 << 16
let keys: readonly string[] | undefined

/** Keys and values are made once, before anything is timed: otherwise their garbage would be collected during the first operation. */
export function writeKeys(): readonly string[] {
  return (keys ??= shuffledKeys(KEYS, 3))
}

export function valueAt({ values }: Workload, index: number): Value {
  return values[index % values.length]!
}

export function limitOf({ valueBytes }: Workload, wanted: number): number {
  return boundedInFlight(wanted, valueBytes)
}
