import { type Kept, TOMBSTONE } from '../../memtable/memtable.js'
import { type LogRecord, rangeClear, rawPut, Record, sealedPut } from '../../wal/format/record.js'
import type { BackendOperation } from '../backend/backend-write.js'
import type { HalfOpenRange } from '../backend/key-range.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { TableValue } from '../table-value.js'

/** A put of bytes as the backend stores them: an envelope, except under a reserved key. */
export function storedRecord(key: Buffer, stored: Uint8Array): LogRecord {
  return isReserved(key) ? Record.put(key, stored) : sealedPut(key, stored)
}

export function operationRecord(operation: BackendOperation): LogRecord {
  return operation.type === 'del' ? Record.delete(operation.key) : storedRecord(operation.key, operation.value)
}

/** @param value the raw value of a put that is not sealed, if the caller has it: taking it from `kept` would make one more Buffer */
export function tableRecord(key: Buffer, kept: Kept<TableValue>, value?: Buffer): LogRecord {
  if (kept === TOMBSTONE) return Record.delete(key)
  return kept.sealed ? sealedPut(key, kept.bytes) : rawPut(key, value ?? kept.bytes, kept.expiresAt ?? 0)
}

export function clearRecord({ start, end }: HalfOpenRange): LogRecord {
  return rangeClear(start, end ?? Buffer.alloc(0))
}
