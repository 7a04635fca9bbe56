import { type Found, TOMBSTONE } from '../../memtable/memtable.js'
import { clearRange, type LogRecord, rawPut, Record, sealedPut } from '../../wal/record.js'
import type { HalfOpenRange } from '../key-range.js'
import { isReserved } from '../reserved-keys.js'
import type { BackendOperation } from '../backend-write.js'
import type { TableValue } from '../table-value.js'

/** A put of bytes as the backend stores them: an envelope, except under a reserved key. */
export function storedRecord(key: Buffer, stored: Uint8Array): LogRecord {
  return isReserved(key) ? Record.put(key, stored) : sealedPut(key, stored)
}

export function operationRecord(operation: BackendOperation): LogRecord {
  return operation.type === 'del' ? Record.delete(operation.key) : storedRecord(operation.key, operation.value)
}

/** @param value of a put that is not sealed, if it is at hand: reading it from the table would make one Buffer more */
export function tableRecord(key: Buffer, found: Found<TableValue>, value?: Buffer): LogRecord {
  if (found === TOMBSTONE) return Record.delete(key)
  return found.sealed ? sealedPut(key, found.bytes) : rawPut(key, value ?? found.bytes, found.expiresAt)
}

export function clearRecord({ start, end }: HalfOpenRange): LogRecord {
  return clearRange(start, end ?? Buffer.alloc(0))
}
