import { shuffled } from '../../documents/seeded.js'
import type { Database, Value } from '../contenders/contender.js'
import type { Figures } from './operations.js'
import { timed, timedFor, timedSyncFor } from './timed.js'
import { limitOf, type Workload } from './workload.js'

const GET_MANY = 100

/** Measures reads of a database that holds records under these keys, in another random order than they were written in. */
export async function measureReads(
  workload: Workload,
  database: Database,
  written: readonly string[]
): Promise<Figures> {
  const { valueBytes, settings } = workload
  const order = shuffled(written.length, 2)
  const keyAt = (index: number) => written[order[index % order.length]!]!
  const check = (value: Value | undefined) => {
    if (value?.length !== valueBytes) throw new Error(`A value came back with length ${String(value?.length)}`)
  }
  const get = async (index: number) => check(await database.get(keyAt(index)))
  const many = Math.min(GET_MANY, limitOf(workload, GET_MANY))
  const getMany = async (call: number) => {
    const values = await database.getMany(Array.from({ length: many }, (_, i) => keyAt(call * many + i)))
    values.forEach(check)
  }
  const { operationMs } = settings
  return {
    get1: await timedFor(operationMs, 1, get),
    get16: await timedFor(operationMs, limitOf(workload, 16), get),
    get1000: await timedFor(operationMs, limitOf(workload, 1000), get),
    ...(database.getSync === undefined
      ? {}
      : { getSync: await timedSyncFor(operationMs, index => check(database.getSync!(keyAt(index)))) }),
    getMany: await timedFor(operationMs, 1, getMany, many),
    iterate: await timed(() => database.iterate())
  }
}
