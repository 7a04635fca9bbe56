import type { AbstractSnapshot } from 'abstract-level'
import type { AnyLevel } from './any-level.js'
import { asBuffer, AS_BYTES, KEY_AS_BYTES } from './as-bytes.js'
import type { Unsealer } from './unsealer.js'
import { aroundReserved, isReserved, type KeyRange } from './reserved-keys.js'
import { backendSnapshotOf } from './snapshot.js'

/** As abstract-level hands them to `_clear`: bounds encoded. */
export interface EncodedClearOptions extends KeyRange {
  readonly reverse: boolean
  /** -1 for none */
  readonly limit: number
  readonly snapshot?: AbstractSnapshot
  readonly sync?: boolean
}

/** Keys that a limited clear deletes with one backend batch. */
const CHUNK_OPERATIONS = 1000

/** Deletes a range from the backend, reserved keys excepted. */
export async function clearBackend(
  backend: AnyLevel,
  options: EncodedClearOptions,
  unsealer: Unsealer,
  expiring: boolean
): Promise<void> {
  if (options.limit !== -1 || options.sync) return clearOneByOne(backend, options, unsealer, expiring)
  for (const part of aroundReserved(options)) {
    await backend.clear({ ...part, snapshot: backendSnapshotOf(options.snapshot, backend), ...KEY_AS_BYTES })
  }
}

/**
 * A limit counts what a reader would see, so the keys have to be looked at one by one. And classic-level can sync deletes, but not
 * a clear.
 */
async function clearOneByOne(
  backend: AnyLevel,
  options: EncodedClearOptions,
  unsealer: Unsealer,
  expiring: boolean
): Promise<void> {
  const { limit, sync, ...range } = options
  const entries = backend.iterator({
    ...range,
    ...AS_BYTES,
    values: expiring,
    snapshot: backendSnapshotOf(options.snapshot, backend)
  })
  let operations: { type: 'del'; key: Buffer }[] = []
  const flush = async () => {
    await backend.batch(operations, { ...KEY_AS_BYTES, ...(sync ? { sync } : {}) })
    operations = []
  }
  let left = limit
  for await (const [key, value] of entries as AsyncIterable<[Uint8Array, Uint8Array | undefined]>) {
    if (left === 0) break
    if (isReserved(key)) continue
    if (value === undefined || unsealer.isVisible(value)) left--
    operations.push({ type: 'del', key: asBuffer(key) })
    if (operations.length === CHUNK_OPERATIONS) await flush()
  }
  if (operations.length > 0) await flush()
}
