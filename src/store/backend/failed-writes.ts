import { type CompressedKvError, ioError } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { rootOf } from './backend.js'
import { type Method, override } from './override.js'

const watched = new WeakSet<AnyLevel>()

/**
 * Has a LevelDB refuse every write after one that failed, until it is opened again.
 *
 * LevelDB itself goes on after a write for which its log had no room. It appends to the half of a record that is there already; and when it is opened
 * again it drops everything from there on without a word, synced or not. What it acknowledges until then must not be taken out of the store's log.
 *
 * @param backend must be open, and LevelDB, or a part of one: what else writes to the same LevelDB can fail as well
 */
export function refuseAfterFailedWrite(backend: AnyLevel): void {
  const root = rootOf(backend)
  if (watched.has(root)) return
  watched.add(root)
  let failure: { readonly error: unknown } | undefined
  root.on('closed', () => (failure = undefined))
  const assertSound = () => {
    if (failure !== undefined) throw refused(failure.error)
  }
  const watch =
    (write: Method): Method =>
    async (...args) => {
      assertSound()
      try {
        await write(...args)
      } catch (error) {
        if (isIoError(error)) failure ??= { error }
        throw error
      }
      assertSound() // Beside one that failed: it may be behind that in LevelDB's log.
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

/** What LevelDB makes of any error of the file system. */
function isIoError(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'LEVEL_IO_ERROR'
}

function refused(cause: unknown): CompressedKvError {
  return ioError(
    'LevelDB could lose what it takes after a write that failed: when the disk works and has room, close the database, or the store over it, and open it again',
    cause
  )
}
