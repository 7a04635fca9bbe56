import { AbstractSnapshot } from 'abstract-level'
import { notSupported } from '../../errors.js'
import type { Frozen } from '../../memtable/tables.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES } from '../backend/as-bytes.js'
import type { TableValue } from '../table-value.js'
import { LookupQueue } from './lookup-queue.js'

/** abstract-level passes options to the constructor, which its types leave out. */
const Base = AbstractSnapshot as unknown as new (options: { owner: AnyLevel }) => AbstractSnapshot

/** A snapshot of the store: the backend's own snapshot, and the tables of the same moment, which hide entries of the backend. */
export class StoreSnapshot extends Base {
  readonly backend: AnyLevel
  readonly frozen: readonly Frozen<TableValue>[]
  readonly backendSnapshot: AbstractSnapshot
  /** Gets of what the backend had. abstract-level closes the snapshot only when all have been answered. */
  readonly gets: LookupQueue<Uint8Array | undefined>

  constructor(options: { owner: AnyLevel }, backend: AnyLevel, frozen: readonly Frozen<TableValue>[]) {
    // First, because it may throw: once super() has been called, the owner keeps this object and closes it together with itself.
    const backendSnapshot = backend.snapshot()
    super(options)
    this.backend = backend
    this.frozen = frozen
    this.backendSnapshot = backendSnapshot
    const read = { ...AS_BYTES, snapshot: backendSnapshot }
    this.gets = new LookupQueue<Uint8Array | undefined>({
      one: key => backend.get<Buffer, Uint8Array>(key, read),
      many: keys => backend.getMany<Buffer, Uint8Array>(keys, read)
    })
  }

  async _close(): Promise<void> {
    return this.backendSnapshot.close()
  }
}

/** The backend's snapshot behind the `snapshot` option of a read; throws as {@link ownSnapshot} does. */
export function backendSnapshotOf(
  snapshot: AbstractSnapshot | undefined,
  backend: AnyLevel
): AbstractSnapshot | undefined {
  return snapshot === undefined || snapshot === null ? undefined : ownSnapshot(snapshot, backend).backendSnapshot
}

/** The tables as they were when a snapshot was taken; throws as {@link ownSnapshot} does. */
export function tablesOf(snapshot: AbstractSnapshot, backend: AnyLevel): readonly Frozen<TableValue>[] {
  return ownSnapshot(snapshot, backend).frozen
}

/** @throws LEVEL_NOT_SUPPORTED for a snapshot that no store over this backend made */
export function ownSnapshot(snapshot: AbstractSnapshot, backend: AnyLevel): StoreSnapshot {
  if (snapshot instanceof StoreSnapshot && snapshot.backend === backend) return snapshot
  throw notSupported(
    'This snapshot was not made by the store: call snapshot() on the store itself, or on one of its sublevels'
  )
}
