import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level'
import { isPromise } from '../../is-promise.js'
import type { AnyLevel } from '../backend/any-level.js'
import { encodedKey } from '../backend/as-bytes.js'
import type { Entry, EntrySource } from './entry-source.js'

type IteratorClass<T> = new (store: AnyLevel, options: object, source: EntrySource) => T

/**
 * Makes a class of iterators over entries. The store makes the source before the iterator, because that may throw: once super() has been called,
 * the store keeps the iterator and closes it together with itself.
 *
 * @param base one of abstract-level's three
 * @param pick what the iterators return of an entry
 */
function iteratorClass<T>(base: unknown, pick: (entry: Entry) => unknown): IteratorClass<T> {
  const Base = base as new (store: AnyLevel, options: object) => object
  const picked = (entry: Entry | undefined) => entry && pick(entry)

  class EntryIterator extends Base {
    readonly #source: EntrySource

    constructor(store: AnyLevel, options: object, source: EntrySource) {
      super(store, options)
      this.#source = source
    }

    _next() {
      const entry = this.#source.next()
      return isPromise(entry) ? entry.then(picked) : picked(entry)
    }

    async _nextv(size: number, options: object) {
      return (await this.#source.nextv(size, options)).map(pick)
    }

    _seek(target: Buffer, options: object): void {
      this.#source.seek(encodedKey(target), options)
    }

    _close() {
      return this.#source.close()
    }
  }
  return EntryIterator as IteratorClass<T>
}

export type StoreIterator = AbstractIterator<AnyLevel, Buffer, Buffer>
export type StoreKeyIterator = AbstractKeyIterator<AnyLevel, Buffer>
export type StoreValueIterator = AbstractValueIterator<AnyLevel, Buffer, Buffer>

export const StoreIterator = iteratorClass<StoreIterator>(AbstractIterator, entry => entry)
export const StoreKeyIterator = iteratorClass<StoreKeyIterator>(AbstractKeyIterator, ([key]) => key)
export const StoreValueIterator = iteratorClass<StoreValueIterator>(AbstractValueIterator, ([, value]) => value)
