import type { AnyLevel } from './any-level.js'

/** What the store supports: what its backend does, in bytes. */
export function manifestFor({ supports }: AnyLevel): object {
  return {
    // Native formats only: abstract-level adds the encodings it can make of them.
    encodings: { buffer: true },
    implicitSnapshots: supports.implicitSnapshots,
    explicitSnapshots: supports.explicitSnapshots,
    seek: supports.seek,
    has: true,
    getSync: (supports as { getSync?: boolean }).getSync === true,
    permanence: supports.permanence,
    createIfMissing: supports.createIfMissing,
    errorIfExists: supports.errorIfExists,
    additionalMethods: { ...supports.additionalMethods },
    signals: { ...supports.signals },
    events: { codecError: true }
  }
}
