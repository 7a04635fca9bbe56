import type { AnyLevel } from '../backend/any-level.js'
import { type Method, override } from '../backend/override.js'

/**
 * An iterator of a database that is not open yet. abstract-level makes the real iterator, and seeks, when the database has opened. If that threw, all
 * calls that wait behind it would never be answered. Here the error is kept instead, and the reads of the iterator reject with it.
 *
 * @param make makes abstract-level's deferred iterator
 */
export function deferredIterator<T extends object>(db: AnyLevel, make: () => T): T {
  let failure: { readonly error: unknown } | undefined
  const attempt = (work: () => void) => () => {
    try {
      work()
    } catch (error) {
      failure ??= { error }
    }
  }
  const iterator = makeDeferring(db, attempt, make)
  for (const name of ['_next', '_nextv', '_all']) {
    override(iterator, name, read => async (...args) => {
      if (failure !== undefined) throw failure.error
      return read.apply(iterator, args)
    })
  }
  override(iterator, '_seek', seek => (...args) => {
    const seekNow = () => void seek.apply(iterator, args)
    if (db.status === 'opening') db.defer(attempt(seekNow))
    else seekNow()
  })
  return iterator
}

/** While abstract-level makes its iterator, it defers the making of the real one: the function that it defers is wrapped by `attempt`. */
function makeDeferring<T>(db: AnyLevel, attempt: (work: () => void) => () => void, make: () => T): T {
  let before!: Method
  override(db, 'defer', defer => {
    before = defer
    return (work, options) => defer.call(db, attempt(work as () => void), options)
  })
  try {
    return make()
  } finally {
    override(db, 'defer', () => before)
  }
}
