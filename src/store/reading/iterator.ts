import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level'
import type { AnyLevel } from '../any-level.js'
import type { EntrySource } from './entry-source.js'

/*
 * Three faces of one source. The source is made first, by the store, because that may throw: from super() on the store closes
 * an iterator with itself.
 */

type Constructor<T> = new (db: AnyLevel, options: object) => T

const EntryBase = AbstractIterator as unknown as Constructor<AbstractIterator<AnyLevel, Buffer, Buffer>>
const KeyBase = AbstractKeyIterator as unknown as Constructor<AbstractKeyIterator<AnyLevel, Buffer>>
const ValueBase = AbstractValueIterator as unknown as Constructor<AbstractValueIterator<AnyLevel, Buffer, Buffer>>

export class StoreIterator extends EntryBase {
  readonly #source: EntrySource

  constructor(store: AnyLevel, options: object, source: EntrySource) {
    super(store, options)
    this.#source = source
  }

  _next() {
    return this.#source.next()
  }

  _nextv(size: number, options: object) {
    return this.#source.nextv(size, options)
  }

  _seek(target: Buffer, options: object): void {
    this.#source.seek(target, options)
  }

  _close() {
    return this.#source.close()
  }
}

export class StoreKeyIterator extends KeyBase {
  readonly #source: EntrySource

  constructor(store: AnyLevel, options: object, source: EntrySource) {
    super(store, options)
    this.#source = source
  }

  _next() {
    const entry = this.#source.next()
    return entry instanceof Promise ? entry.then(fetched => fetched?.[0]) : entry?.[0]
  }

  async _nextv(size: number, options: object) {
    return (await this.#source.nextv(size, options)).map(([key]) => key)
  }

  _seek(target: Buffer, options: object): void {
    this.#source.seek(target, options)
  }

  _close() {
    return this.#source.close()
  }
}

export class StoreValueIterator extends ValueBase {
  readonly #source: EntrySource

  constructor(store: AnyLevel, options: object, source: EntrySource) {
    super(store, options)
    this.#source = source
  }

  _next() {
    const entry = this.#source.next()
    return entry instanceof Promise ? entry.then(fetched => fetched?.[1]) : entry?.[1]
  }

  async _nextv(size: number, options: object) {
    return (await this.#source.nextv(size, options)).map(([, value]) => value)
  }

  _seek(target: Buffer, options: object): void {
    this.#source.seek(target, options)
  }

  _close() {
    return this.#source.close()
  }
}
