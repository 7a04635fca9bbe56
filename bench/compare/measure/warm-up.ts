import { join } from 'node:path'
import { inFlight } from '../../harness/in-flight.js'
import { limitOf, valueAt, type Workload, writeKeys } from './workload.js'

const MIB = 1024 * 1024
/** Enough for the compiler to have seen the code. For slow contenders it ends after {@link MILLISECONDS} for each kind of call. */
const RECORDS = 6000
const BYTES = 8 * MIB
const MILLISECONDS = 250

/** Calls everything that is measured, in a database of its own: what the first calls of a process cost is not to be in any figure. */
export async function warmUp(workload: Workload): Promise<void> {
  const { valueBytes, directory } = workload
  const database = await workload.open(join(directory, 'warm-up'))
  const keys = writeKeys()
  const keyAt = (index: number) => keys[index % records]!
  const records = Math.max(1, Math.min(RECORDS, Math.floor(BYTES / valueBytes)))
  const call = async (limit: number, task: (index: number) => Promise<unknown>) => {
    const deadline = performance.now() + MILLISECONDS
    await inFlight(records, limitOf(workload, limit), async index => {
      if (index === 0 || performance.now() < deadline) await task(index)
    })
  }
  const put = (index: number) => database.put(keyAt(index), valueAt(workload, index))
  await call(64, put)
  await call(1, put)
  if (database.putDurably !== undefined) {
    await call(64, index => database.putDurably!(keyAt(index), valueAt(workload, index)))
  }
  await call(64, index => database.get(keyAt(index)))
  await call(1, async index => database.getSync?.(keyAt(index)))
  await database.getMany([keyAt(0)])
  await database.iterate()
  await database.batch([{ key: keyAt(0), value: valueAt(workload, 0) }])
  await database.close()
}
