import { join } from 'node:path'
import { inFlight } from '../../harness/in-flight.js'
import { median } from '../../harness/median.js'
import { measureReads } from '../measure/reads.js'
import { valueAt, type Workload } from '../measure/workload.js'
import { shuffledKeys } from '../payload.js'
import type { Sample } from './loads.js'

const RECORDS = 20_000
const IN_FLIGHT = 1000
const ITERATIONS = 3

/**
 * Measures reads of a database that was written, closed, opened again, compacted and read through before. So everything is in the backend, LevelDB
 * does not work on its files meanwhile, and their pages are mapped already: otherwise the first gets would take five times as long.
 */
export async function reads(workload: Workload): Promise<Sample> {
  const location = join(workload.directory, 'reads')
  const keys = shuffledKeys(RECORDS, 8)
  let database = await workload.open(location)
  await inFlight(RECORDS, IN_FLIGHT, index => database.put(keys[index]!, valueAt(workload, index)))
  await database.close()
  database = await workload.open(location)
  await database.compact?.(location)
  await database.iterate()
  const figures = await measureReads(workload, database, keys)
  const iterations: number[] = []
  for (let i = 0; i < ITERATIONS; i++) {
    const start = performance.now()
    const entries = await database.iterate()
    iterations.push((entries * 1000) / (performance.now() - start))
  }
  await database.close()
  return {
    get1: figures.get1!.value,
    get16: figures.get16!.value,
    get1000: figures.get1000!.value,
    getSync: figures.getSync!.value,
    iterate: median(iterations)
  }
}
