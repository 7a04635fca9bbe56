import { AbstractSnapshot } from 'abstract-level'
import { notSupported } from '../../errors.js'
import type { Frozen } from '../../memtable/tables.js'
import type { AnyLevel } from '../backend/any-level.js'
import type { TableValue } from '../table-value.js'

/** abstract-level passes options to the constructor, which its types leave out. */
const Base = AbstractSnapshot as unknown as new (options: { owner: AnyLevel }) => AbstractSnapshot

/** A snapshot of the store: the backend's own snapshot, and the tables of the same moment, which hide entries of the backend. */
export class StoreSnapshot extends Base {
  readonly backend: AnyLevel
  readonly frozen: readonly Frozen<TableValue>[]
  readonly backendSnapshot: AbstractSnapshot

  constructor(options: { owner: AnyLevel }, backend: AnyLevel, frozen: readonly Frozen<TableValue>[]) {
    // First, because it may throw: once super() has been called, the owner keeps this object and closes it together with itself.
    const backendSnapshot = backend.snapshot()
    super(options)
    this.backend = backend
    this.frozen = frozen
    this.backendSnapshot = backendSnapshot
  }

  async _close(): Promise<void> {
    return this.backendSnapshot.close()
  }
}

/**
 * The backend's snapshot behind the `snapshot` option of a read.
 *
 * @throws LEVEL_NOT_SUPPORTED for a snapshot that no store over this backend made
 */
export function backendSnapshotOf(
  snapshot: AbstractSnapshot | undefined,
  backend: AnyLevel
): AbstractSnapshot | undefined {
  return snapshot === undefined || snapshot === null ? undefined : ownSnapshot(snapshot, backend).backendSnapshot
}

/** The tables as they were when a snapshot was taken; throws as {@link backendSnapshotOf} does. */
export function tablesOf(snapshot: AbstractSnapshot, backend: AnyLevel): readonly Frozen<TableValue>[] {
  return ownSnapshot(snapshot, backend).frozen
}

function ownSnapshot(snapshot: AbstractSnapshot, backend: AnyLevel): StoreSnapshot {
  if (snapshot instanceof StoreSnapshot && snapshot.backend === backend) return snapshot
  throw notSupported(
    'This snapshot was not made by the store: call snapshot() on the store itself, or on one of its sublevels'
  )
}
