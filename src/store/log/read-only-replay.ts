import { none } from '../../codec/none.js'
import { notSupported } from '../../errors.js'
import { keyName } from '../../memtable/key-name.js'
import { TOMBSTONE } from '../../memtable/memtable.js'
import { Tables } from '../../memtable/tables.js'
import type { Log } from '../../wal/log.js'
import { tombstoneOf } from '../backend/key-range.js'
import { sealedTableValue, type TableValue } from '../table-value.js'
import { clearWeight, weightOf } from '../weights.js'
import type { LoggedValues } from './logged-values.js'
import { ReplayBatch, replayRecords } from './replay-records.js'

/**
 * Reads into tables what the log has and the backend lacks. A store with `readOnly` reads these tables before the backend.
 *
 * @param applied the last record that the backend has
 * @param maxBytes the most bytes of such entries, counted as for `memtable.maxBytes`
 * @throws LEVEL_NOT_SUPPORTED if there are more
 */
export async function readIntoTables(
  log: Log,
  applied: number,
  values: LoggedValues,
  maxBytes: number
): Promise<Tables<TableValue>> {
  const tables = new Tables<TableValue>()
  let bytes = 0
  const take = (weight: number) => {
    bytes += weight
    if (bytes <= maxBytes) return weight
    throw notSupported(
      `The log is ahead of the backend by more than memtable.maxBytes, ${maxBytes}, and readOnly has to keep that in memory: ` +
        'raise that option, or open the store once without readOnly'
    )
  }
  const batch = new ReplayBatch(async (operations, sequence) => {
    for (const operation of operations) {
      const name = keyName(operation.key)
      if (operation.type === 'del') {
        tables.set(name, TOMBSTONE, { sequence, weight: take(weightOf(operation.key.length)) })
        continue
      }
      const weight = take(weightOf(operation.key.length, operation.value.length))
      const value = Buffer.from(operation.value) // A view would keep a whole frame of the log in memory.
      tables.set(name, sealedTableValue(value, value.length, none()), { sequence, weight })
    }
  })
  await replayRecords(log, applied, values, batch, async range => {
    tables.clear(tombstoneOf(range), { sequence: 0, weight: take(clearWeight({ maxBytes })) })
  })
  return tables
}
