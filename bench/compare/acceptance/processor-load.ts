import { join } from 'node:path'
import { inFlight } from '../../harness/in-flight.js'
import { timed } from '../measure/timed.js'
import { valueAt, type Workload } from '../measure/workload.js'
import { shuffledKeys } from '../payload.js'
import { FEW_ENTRIES } from '../settings.js'
import type { Sample } from './loads.js'

const PUTS = 20_000
const BATCH = 1000
const IN_FLIGHT = 1000

/** Measures the main-thread time of a put, with flush and close, into a database that holds few entries, and into one that holds many. */
export async function processor(workload: Workload, manyEntries: number): Promise<Sample> {
  // Warms up; its figure is not kept.
  await putInto(workload, FEW_ENTRIES, 'warm-up')
  return {
    putOverFewUs: await putInto(workload, FEW_ENTRIES, 'few'),
    putOverManyUs: await putInto(workload, manyEntries, 'many')
  }
}

async function putInto(workload: Workload, entries: number, name: string): Promise<number> {
  const location = join(workload.directory, name)
  const keys = shuffledKeys(entries + PUTS, 9)
  let database = await workload.open(location)
  for (let from = 0; from < entries; from += BATCH) {
    const operations = keys
      .slice(from, Math.min(from + BATCH, entries))
      .map((key, i) => ({ key, value: valueAt(workload, from + i) }))
    await database.batch(operations)
  }
  await database.close()
  database = await workload.open(location)
  const { mainThreadUs } = await timed(async () => {
    await inFlight(PUTS, IN_FLIGHT, index => database.put(keys[entries + index]!, valueAt(workload, index)))
    await database.flush?.()
    await database.close()
    return PUTS
  })
  return mainThreadUs!
}
