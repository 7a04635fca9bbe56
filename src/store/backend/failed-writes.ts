import { type CompressedKvError, ioError } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { rootOf } from './backend.js'
import { type Method, override } from './override.js'

const watched = new WeakSet<AnyLevel>()
/** The databases, of those that are watched, of which a write has failed since they were opened, and the first such error. */
const failures = new WeakMap<AnyLevel, { readonly error: unknown }>()

/**
 * Makes a LevelDB refuse every write after one that has failed, until it is opened again.
 *
 * LevelDB itself goes on after a write for which its log had no room: it appends to the half of a record that is there already. When it is opened
 * again, it silently drops everything from there on, synced or not. So what it acknowledges meanwhile must not be deleted from the store's log.
 *
 * @param backend must be open, and LevelDB or a sublevel of one. All writes to that LevelDB are watched, since any of them may fail
 */
export function refuseAfterFailedWrite(backend: AnyLevel): void {
  const root = rootOf(backend)
  if (watched.has(root)) return
  watched.add(root)
  root.on('closed', () => failures.delete(root))
  const assertSound = () => {
    const refused = refusalOf(root)
    if (refused !== undefined) throw refused
  }
  const watch =
    (write: Method): Method =>
    async (...args) => {
      assertSound()
      try {
        await write(...args)
      } catch (error) {
        if (isIoError(error) && !failures.has(root)) failures.set(root, { error })
        throw error
      }
      assertSound() // A write that was under way at the same time may have failed: then this one may lie after that in LevelDB's log.
    }
  for (const name of ['_put', '_del', '_batch', '_clear']) {
    override(root, name, write => watch((...args) => write.apply(root, args)))
  }
  override(root, '_chainedBatch', make => (...args) => {
    const batch = make.apply(root, args) as object
    override(batch, '_write', write => watch((...options) => write.apply(batch, options)))
    return batch
  })
}

/** Whether it is the error that LevelDB makes of any error of the file system. */
function isIoError(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'LEVEL_IO_ERROR'
}

/** The error with which the backend refuses every write until it is opened again; undefined if it takes writes. */
export function refusalOf(backend: AnyLevel): CompressedKvError | undefined {
  const failure = failures.get(rootOf(backend))
  if (failure === undefined) return undefined
  return ioError(
    'LevelDB could lose what it takes after a write that failed: when the disk works and has room, close the database, or the store over it, and open it again',
    failure.error
  )
}
