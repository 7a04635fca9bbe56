import { assertNotOpen } from '../../wal/lock/lock.js'
import type { AnyLevel } from '../backend/any-level.js'
import { rootOf } from '../backend/backend.js'
import { override } from '../backend/override.js'
import { logDirectoryIn } from './log-directory.js'

/*
 * LevelDB's own lock does not always keep its directory from being opened twice. On Linux and macOS a process loses that lock when it closes the file
 * LOCK for whatever reason: as when it copies the directory, or as LevelDB itself does when it refuses a second database of the same process. Another
 * process could then open the directory, and would delete files that are being written to. The lock of a log in that directory prevents this.
 */

/** Databases that refuse to open while their log is held, with what unlocks the log once they are closed. */
const watched = new WeakMap<AnyLevel, (() => Promise<void>)[]>()

/**
 * Makes a database refuse to open while a store has the log in its directory open. Call it before the database opens by itself, which it does in a
 * microtask after it was made.
 */
export function refuseHeldLog(backend: AnyLevel): void {
  const root = rootOf(backend)
  const directory = logDirectoryIn(root)
  if (directory === undefined || watched.has(root)) return
  const releases: (() => Promise<void>)[] = []
  watched.set(root, releases)
  override(root, '_open', open => async (...args) => {
    await assertNotOpen(directory)
    return open.apply(root, args)
  })
  override(root, '_close', close => async (...args) => {
    await close.apply(root, args)
    // A lock whose file cannot be removed may be taken again by this thread, and by others when this process has ended.
    for (const release of releases.splice(0)) await release().catch(() => {})
  })
}

/** Unlocks a log once its database, which must be about to be closed, is closed. */
export function unlockWhenClosed(backend: AnyLevel, release: () => Promise<void>): void {
  watched.get(rootOf(backend))!.push(release)
}
