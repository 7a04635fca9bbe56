import type { AnyLevel } from '../backend/any-level.js'
import { supportsGetSync } from '../backend/backend.js'
import type { StoreEvents } from '../store-events.js'

const EVENTS: Readonly<Record<keyof StoreEvents, true>> = {
  codecError: true,
  flush: true,
  flushError: true,
  gcError: true,
  walSegmentRoll: true,
  walFsync: true,
  walTruncated: true,
  walPoisoned: true
}

/** What the store supports: mostly what its backend supports, with bytes as the only format. */
export function manifestFor(backend: AnyLevel, logged: boolean): object {
  const { supports } = backend
  return {
    // Only native formats: abstract-level adds the encodings that it can build on them.
    encodings: { buffer: true },
    implicitSnapshots: supports.implicitSnapshots,
    explicitSnapshots: supports.explicitSnapshots,
    seek: supports.seek,
    has: true,
    getSync: supportsGetSync(backend),
    permanence: supports.permanence || logged,
    createIfMissing: supports.createIfMissing,
    errorIfExists: supports.errorIfExists,
    additionalMethods: { ...supports.additionalMethods },
    signals: { ...supports.signals },
    events: { ...EVENTS }
  }
}
