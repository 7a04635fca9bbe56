import { median } from '../../harness/median.js'
import { alternate } from '../../harness/rounds.js'
import { BASELINE } from '../contenders/bare.js'
import type { PayloadFile } from '../payload.js'
import { ask } from '../process/ask.js'
import type { Progress } from '../progress.js'
import type { Settings } from '../settings.js'
import type { AcceptanceRequest, Load } from './acceptance-child.js'
import { bars, type Sides } from './bars.js'
import type { Sample } from './loads.js'

const CHILD = new URL('./acceptance-child.js', import.meta.url)

/** Write-back over classic-level. The load with large values shows what the slower codec does to the event loop. */
const STORE_OF: Readonly<Record<Load, string>> = {
  writes: 'back-lz4',
  sustained: 'back-lz4',
  reads: 'back-lz4',
  processor: 'back-lz4',
  large: 'back-zstd',
  largePaced: 'back-zstd'
}

/** A bar, and whether it was reached. */
export interface Verdict {
  readonly what: string
  readonly sign: '>=' | '<='
  readonly bar: number
  readonly unit: string
  /** Undefined if it could not be measured; `details` say why. */
  readonly measured: number | undefined
  readonly holds: boolean
  readonly details: string
}

/** Measures this store in turns with bare classic-level, A B B A, each round in a process of its own. */
export async function accept(payload: PayloadFile, settings: Settings, progress: Progress): Promise<Verdict[]> {
  const verdicts = new Map<Load, Sides | Error>()
  for (const load of Object.keys(STORE_OF) as Load[]) {
    const run = async () => {
      const putsPerSecond = load === 'largePaced' ? bareRate(verdicts.get('large')!) : undefined
      return sidesOf(load, payload, settings, progress, putsPerSecond)
    }
    verdicts.set(load, await run().catch((error: unknown) => error as Error))
  }
  return bars(settings.acceptance).map(({ load, what, sign, bar, unit, measured: measure, details }) => {
    const sides = verdicts.get(load)!
    const common = { what, sign, bar, unit }
    if (sides instanceof Error) return { ...common, measured: undefined, holds: false, details: sides.message }
    const measured = measure(sides)
    return { ...common, measured, holds: sign === '>=' ? measured >= bar : measured <= bar, details: details(sides) }
  })
}

/** The rate of the bare database, if puts come without a pause. */
function bareRate(sides: Sides | Error): number {
  if (sides instanceof Error) throw sides
  return median(sides.bare.map(sample => sample['sustained']!))
}

async function sidesOf(
  load: Load,
  payload: PayloadFile,
  settings: Settings,
  progress: Progress,
  putsPerSecond: number | undefined
): Promise<Sides> {
  const { name, path } = payload
  const run = (contender: string) => {
    progress(`acceptance, ${load}, ${contender}`)
    const request: AcceptanceRequest = { load, contender, payload: { name, path }, settings, putsPerSecond }
    return ask<Sample>(CHILD, request)
  }
  const [store, bare] = await alternate(settings.acceptance.rounds, [STORE_OF[load], BASELINE.id], run)
  return { store: store!, bare: bare! }
}
