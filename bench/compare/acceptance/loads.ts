import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { inFlight } from '../../harness/in-flight.js'
import { median } from '../../harness/median.js'
import { paced } from '../../harness/paced.js'
import { timed, timedFor } from '../measure/timed.js'
import { limitOf, valueAt, type Workload, writeKeys } from '../measure/workload.js'
import { shuffledKeys } from '../payload.js'

/** Figures by name: records per second, or ms. */
export type Sample = Readonly<Record<string, number>>

export const BURST_RECORDS = 10_000
const BURSTS = 3
const IN_FLIGHT = 1000
const NANOSECONDS = 1e6
/** How long to wait before the load: otherwise the histogram of delays has what came before. */
const SETTLE_MS = 20

/** Measures puts of records that fit into the table, with 1000 in flight; each time into a new database, which is closed after the measurement. */
export async function burst(workload: Workload): Promise<Sample> {
  const keys = shuffledKeys(BURST_RECORDS, 5)
  const rates: number[] = []
  for (let i = 0; i < BURSTS; i++) {
    const database = await workload.open(join(workload.directory, `burst-${i}`))
    await database.put('first', valueAt(workload, 0))
    const { value } = await timed(async () => {
      await inFlight(BURST_RECORDS, IN_FLIGHT, index => database.put(keys[index]!, valueAt(workload, index)))
      return BURST_RECORDS
    })
    rates.push(value)
    await database.close()
  }
  return { burst: median(rates) }
}

/**
 * Measures puts without a pause, or at a fixed rate, until everything is in the place where it stays, so that closing is part of it; and how long
 * timers wait meanwhile.
 */
export async function sustained(
  workload: Workload,
  bytes: number,
  wanted: number,
  putsPerSecond = Infinity
): Promise<Sample> {
  const records = Math.ceil(bytes / workload.valueBytes)
  const keys = shuffledKeys(records, 6)
  const database = await workload.open(join(workload.directory, 'sustained'))
  await database.put('first', valueAt(workload, 0))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
  delay.reset()
  const { value } = await timed(async () => {
    await paced(records, putsPerSecond, limitOf(workload, wanted), index =>
      database.put(keys[index]!, valueAt(workload, index))
    )
    await database.close()
    return records
  })
  delay.disable()
  return { sustained: value, delayP99Ms: delay.percentile(99) / NANOSECONDS, delayMaxMs: delay.max / NANOSECONDS }
}

/** Measures puts and durable puts. The last ones share processor and disk with the flush of those before, and so are also measured alone. */
export async function puts(workload: Workload, milliseconds: number): Promise<Sample> {
  const keys = writeKeys()
  const database = await workload.open(join(workload.directory, 'puts'))
  let next = 0
  const entry = () => [keys[next % keys.length]!, valueAt(workload, next++)] as const
  const put1 = await timedFor(milliseconds, 1, () => database.put(...entry()))
  const durable1000 = await timedFor(milliseconds, IN_FLIGHT, () => database.putDurably!(...entry()))
  const durable1 = await timedFor(milliseconds, 1, () => database.putDurably!(...entry()))
  await database.close()
  const own = await workload.open(join(workload.directory, 'durable'))
  await own.put('first', valueAt(workload, 0))
  const durable1Alone = await timedFor(milliseconds, 1, () => own.putDurably!(...entry()))
  await own.close()
  return {
    put1: put1.value,
    durable1000: durable1000.value,
    durable1: durable1.value,
    durable1Alone: durable1Alone.value
  }
}
