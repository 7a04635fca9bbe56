import { inTemporaryDirectory } from '../../harness/temporary-directory.js'
import { contenderNamed } from '../contenders/all.js'
import { measureHeld } from '../measure/held.js'
import type { Figures } from '../measure/operations.js'
import { startPeakMemory } from '../measure/peak-memory.js'
import { warmUp } from '../measure/warm-up.js'
import { writeKeys } from '../measure/workload.js'
import { measureWrites } from '../measure/writes.js'
import { type PayloadFile, valuesOf } from '../payload.js'
import { replyOnce } from '../process/reply.js'
import type { Settings } from '../settings.js'

/** What the parent asks for: one contender, one size, one round. */
export interface ComparisonRequest {
  readonly contender: string
  readonly valueBytes: number
  readonly payload: PayloadFile
  readonly settings: Settings
}

replyOnce(async ({ contender: id, valueBytes, payload, settings }: ComparisonRequest): Promise<Figures> => {
  const contender = contenderNamed(id)
  const open = await contender.load()
  const values = valuesOf(payload, valueBytes, contender)
  return inTemporaryDirectory(async directory => {
    const workload = { contender, open, values, valueBytes, directory, settings }
    writeKeys()
    const memory = await startPeakMemory()
    await warmUp(workload)
    const held = await measureHeld(workload, memory)
    return { ...held, ...(await measureWrites(workload)) }
  })
})
