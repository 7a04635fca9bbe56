import { join } from 'node:path'
import type { AnyLevel } from '../backend/any-level.js'
import { locationOf } from '../backend/backend.js'

/** The log may lie in LevelDB's own directory: LevelDB leaves names alone that it does not know. */
const NAME = 'ckv-wal'

/** Where `wal: true` keeps the log, in the backend's own directory; undefined for a backend that has none. */
export function logDirectoryIn(backend: AnyLevel): string | undefined {
  const location = locationOf(backend)
  return location === undefined ? undefined : join(location, NAME)
}
