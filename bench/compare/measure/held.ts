import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { directorySize } from '../../harness/directory-size.js'
import { inFlight } from '../../harness/in-flight.js'
import { median } from '../../harness/median.js'
import type { Database } from '../contenders/contender.js'
import { shuffledKeys } from '../payload.js'
import { heldRecords } from '../settings.js'
import type { Figure, Figures } from './operations.js'
import type { PeakMemory } from './peak-memory.js'
import { measureReads } from './reads.js'
import { timed } from './timed.js'
import { limitOf, valueAt, type Workload } from './workload.js'

const REOPENINGS = 3
/** Compaction is measured for records of this size only. */
const COMPACTED_VALUE_BYTES = 1024

/** Fills a database with records, which are the same for all contenders, measures what it takes to hold them, and reads it. */
export async function measureHeld(workload: Workload, memory: PeakMemory): Promise<Figures> {
  const { contender, valueBytes, directory, settings } = workload
  const location = join(directory, 'held')
  const keys = shuffledKeys(heldRecords(settings, valueBytes), 1)
  let database = await workload.open(location)
  const { put1000, written } = await fill(workload, database, keys)
  const isFull = written.length === keys.length

  const onDisk: { disk?: Figure; compacted?: Figure; reopen?: Figure } = {}
  if (contender.persistent) {
    await database.close()
    if (isFull) onDisk.disk = { value: directorySize(location) }
    database = await workload.open(location)
    await database.get(written[0]!)
    const reopen = async () => {
      await database.close()
      database = await workload.open(location)
      await database.get(written[0]!)
    }
    onDisk.reopen = { value: await medianTime(REOPENINGS, reopen) }
  }
  const reads = await measureReads(workload, database, written)
  const peak = { value: memory.stop() }

  const compacts = database.compact !== undefined && isFull && valueBytes === COMPACTED_VALUE_BYTES
  const copy = join(directory, 'compacted')
  if (compacts) await database.compact!(copy)
  await database.close()
  if (compacts) onDisk.compacted = { value: compactedSize(location, copy) }
  // The memory of a database that is only half filled says nothing about a whole one.
  return { put1000, ...reads, ...onDisk, ...(isFull ? { memory: peak } : {}) }
}

/** Puts all records with 1000 in flight, or as many as a slow contender gets done. */
async function fill(workload: Workload, database: Database, keys: readonly string[]) {
  const deadline = performance.now() + workload.settings.fillMs
  let started = 0
  const put1000 = await timed(async () => {
    await inFlight(keys.length, limitOf(workload, 1000), async index => {
      if (index > 0 && performance.now() > deadline) return
      started++
      await database.put(keys[index]!, valueAt(workload, index))
    })
    return started
  })
  // Calls start in order, so that the first ones are those that are there.
  return { put1000, written: keys.slice(0, started) }
}

async function medianTime(times: number, work: () => Promise<void>): Promise<number> {
  const milliseconds: number[] = []
  for (let i = 0; i < times; i++) {
    const start = performance.now()
    await work()
    milliseconds.push(performance.now() - start)
  }
  return median(milliseconds)
}

/** Some contenders compact in place, others into a copy. */
function compactedSize(location: string, copy: string): number {
  return directorySize(existsSync(copy) ? copy : location)
}
