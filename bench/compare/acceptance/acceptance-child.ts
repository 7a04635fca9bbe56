import { inTemporaryDirectory } from '../../harness/temporary-directory.js'
import { contenderNamed } from '../contenders/all.js'
import { warmUp } from '../measure/warm-up.js'
import type { Workload } from '../measure/workload.js'
import { type PayloadFile, valuesOf } from '../payload.js'
import { replyOnce } from '../process/reply.js'
import type { Settings } from '../settings.js'
import { burst, puts, type Sample, sustained } from './loads.js'
import { processor } from './processor-load.js'
import { reads } from './reads-load.js'

export type Load = 'writes' | 'sustained' | 'large' | 'largePaced' | 'reads' | 'processor'

export interface AcceptanceRequest {
  readonly load: Load
  readonly contender: string
  readonly payload: PayloadFile
  readonly settings: Settings
  /** Of the load that has a fixed rate. */
  readonly putsPerSecond: number | undefined
}

const RECORD_BYTES = 1024
const LARGE_BYTES = 2 * 1024 * 1024
const LARGE_IN_FLIGHT = 8
const IN_FLIGHT = 1000

const LOADS: Readonly<Record<Load, (workload: Workload, putsPerSecond?: number) => Promise<Sample>>> = {
  writes: async workload => ({
    ...(await burst(workload)),
    ...(await puts(workload, workload.settings.acceptance.operationMs))
  }),
  sustained: workload => sustained(workload, workload.settings.acceptance.sustainedBytes, IN_FLIGHT),
  large: workload => sustained(workload, workload.settings.acceptance.largeBytes, LARGE_IN_FLIGHT),
  largePaced: (workload, putsPerSecond) =>
    sustained(workload, workload.settings.acceptance.largeBytes, LARGE_IN_FLIGHT, putsPerSecond),
  reads,
  processor: workload => processor(workload, workload.settings.acceptance.manyEntries)
}

replyOnce(
  async ({ load, contender: id, payload, settings: given, putsPerSecond }: AcceptanceRequest): Promise<Sample> => {
    const contender = contenderNamed(id)
    const open = await contender.load()
    const valueBytes = load === 'large' || load === 'largePaced' ? LARGE_BYTES : RECORD_BYTES
    const settings = { ...given, operationMs: given.acceptance.operationMs }
    const values = valuesOf(payload, valueBytes, contender)
    return inTemporaryDirectory(async directory => {
      const workload = { contender, open, values, valueBytes, directory, settings }
      await warmUp(workload)
      return LOADS[load](workload, putsPerSecond)
    })
  }
)
