import { join } from 'node:path'
import type { Database } from '../contenders/contender.js'
import type { Figures } from './operations.js'
import { timedFor } from './timed.js'
import { limitOf, valueAt, type Workload, writeKeys } from './workload.js'

/** Measures puts and batches, each for some time, into a database of their own. */
export async function measureWrites(workload: Workload): Promise<Figures> {
  const { open, directory, settings } = workload
  const database = await open(join(directory, 'written'))
  const put = putter(workload, database)
  const figures: Figures = {
    put1: await timedFor(settings.operationMs, 1, put),
    put16: await timedFor(settings.operationMs, limitOf(workload, 16), put),
    batch: await measureBatches(workload, database),
    ...(await measureDurable(workload, database))
  }
  await database.close()
  return figures
}

function putter(workload: Workload, database: Database): (index: number) => Promise<unknown> {
  const keys = writeKeys()
  let next = 0
  return () => {
    const at = next++
    return database.put(keys[at % keys.length]!, valueAt(workload, at))
  }
}

const BATCH = 1000

async function measureBatches(workload: Workload, database: Database) {
  const keys = writeKeys()
  const length = limitOf(workload, BATCH)
  return timedFor(
    workload.settings.operationMs,
    1,
    call => {
      const entries = Array.from({ length }, (_, i) => {
        const at = call * length + i
        return { key: keys[at % keys.length]!, value: valueAt(workload, at) }
      })
      return database.batch(entries)
    },
    length
  )
}

async function measureDurable(workload: Workload, database: Database): Promise<Figures> {
  if (database.putDurably === undefined) return {}
  const keys = writeKeys()
  const put = (index: number) => database.putDurably!(keys[index % keys.length]!, valueAt(workload, index))
  const { operationMs } = workload.settings
  return {
    durable1: await timedFor(operationMs, 1, put),
    durable1000: await timedFor(operationMs, limitOf(workload, 1000), put)
  }
}
