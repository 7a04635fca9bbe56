import { deepStrictEqual } from 'node:assert'
import type { AbstractSnapshot } from 'abstract-level'
import { CompressedKvStore } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import type { WalOptions } from '../../src/wal/options.js'
import { deflate } from '../support/user-codecs.js'
import { Model, type Range } from './model.js'
import { bytesOf, type CodecOption, type Op, type StoreSpec, type Write } from './operations.js'

type Store = CompressedKvStore<string, Buffer>
type OpOf<Name extends Op['op']> = Extract<Op, { op: Name }>

/** What a store is made of, and what of it another finds that opens it after this one. */
export interface Medium {
  readonly backend: Wrappable<string, Buffer>
  readonly wal?: WalOptions
  /** What the next store opens, once this one was closed. */
  readonly closed: () => Medium
  /** What the next store opens if the process is killed now; undefined where that cannot be had. */
  readonly killed?: () => Medium
}

/** A store beside the model of what it should hold. */
export class System {
  #store: Store
  #model: Model
  #medium: Medium
  readonly #codec: CodecOption
  /** Stores that were left as they are: processes that were killed. */
  readonly #dead: Store[] = []
  /** Writes that were not awaited. The model has them already: their order is that of the calls. */
  #unawaited: Promise<void>[] = []
  #snapshot: { snapshot: AbstractSnapshot; model: Model } | undefined

  constructor(medium: Medium, codec: CodecOption, options: StoreSpec, model: Model) {
    this.#medium = medium
    this.#codec = codec
    this.#model = model
    this.#store = this.#newStore(options)
  }

  #newStore({ memtable, ...options }: StoreSpec): Store {
    const { backend, wal = false } = this.#medium
    return new CompressedKvStore(backend, {
      codec: this.#codec,
      ...options,
      wal,
      memtable: wal === false ? undefined : memtable
    })
  }

  async run(op: Op): Promise<void> {
    if (op.op === 'write') return this.#maybeAwait(this.#write(op.write), op.await)
    if (op.op === 'batch') return this.#maybeAwait(this.#batch(op), op.await)
    if (op.op === 'clear') return this.#maybeAwait(this.#clear(op.range), op.await)
    if (op.op === 'reopen') return this.#reopen(op.options)
    if (op.op === 'crash') return this.#crash(op.options)
    if (op.op === 'flush') {
      await this.#store.flush()
      return
    }
    // What was not awaited may be seen or not.
    await this.#settle()
    if (op.op === 'snapshot') return this.#takeSnapshot()
    if (op.op === 'iterate') return this.#iterate(op)
    if (op.op === 'getMany') return this.#getMany(op)
    return op.op === 'get' ? this.#get(op) : this.#has(op)
  }

  /** Everything is as the model says, now and after opening again; then the store is closed. */
  async finish(options: StoreSpec): Promise<void> {
    await this.#settle()
    await this.#expectAll()
    await this.#reopen(options)
    await this.#expectAll()
    await this.#store.close()
    for (const dead of this.#dead) await dead.close()
  }

  #write({ type, key, value, codec, ttl }: Write): Promise<void> {
    if (type === 'del') {
      this.#model.del(key)
      return this.#store.del(key)
    }
    const bytes = bytesOf(value)
    this.#model.put(key, Buffer.from(bytes))
    const written = this.#store.put(key, bytes, { codec: codecOf(codec), ttl })
    bytes.fill(0)
    return written
  }

  #batch({ writes, chained }: OpOf<'batch'>): Promise<void> {
    for (const { type, key, value } of writes) {
      if (type === 'put') this.#model.put(key, bytesOf(value))
      else this.#model.del(key)
    }
    if (!chained || this.#store.status !== 'open') {
      return this.#store.batch(
        writes.map(({ type, key, value, codec, ttl }) =>
          type === 'del' ? { type, key } : { type, key, value: bytesOf(value), codec: codecOf(codec), ttl }
        )
      )
    }
    const batch = this.#store.batch()
    for (const { type, key, value, codec, ttl } of writes) {
      if (type === 'del') batch.del(key)
      else batch.put(key, bytesOf(value), { codec: codecOf(codec), ttl })
    }
    return batch.write()
  }

  #clear(range: Range): Promise<void> {
    this.#model.clear(range)
    return this.#store.clear(range)
  }

  async #maybeAwait(written: Promise<void>, wait: boolean): Promise<void> {
    if (wait) await written
    else this.#unawaited.push(written)
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#unawaited.splice(0))
  }

  /** Closes with whatever is still in flight: close() has to wait for it. */
  async #reopen(options: StoreSpec): Promise<void> {
    await this.#store.open()
    await this.#store.close()
    await this.#settle()
    this.#snapshot = undefined
    this.#medium = this.#medium.closed()
    this.#store = this.#newStore(options)
  }

  /** Goes on with what a killed process leaves: everything that was acknowledged. */
  async #crash(options: StoreSpec): Promise<void> {
    if (this.#medium.killed === undefined) return
    await this.#store.open()
    await this.#settle()
    this.#dead.push(this.#store)
    this.#snapshot = undefined
    this.#medium = this.#medium.killed()
    this.#store = this.#newStore(options)
  }

  async #takeSnapshot(): Promise<void> {
    await this.#store.open()
    await this.#snapshot?.snapshot.close()
    this.#snapshot = { snapshot: this.#store.snapshot(), model: this.#model.copy() }
  }

  /** Where a read looks, and what it should find there. */
  #view(inSnapshot: boolean): { options: { snapshot?: AbstractSnapshot }; model: Model } {
    if (!inSnapshot || this.#snapshot === undefined) return { options: {}, model: this.#model }
    const { snapshot, model } = this.#snapshot
    return { options: { snapshot }, model }
  }

  async #get({ key, inSnapshot }: OpOf<'get'> | OpOf<'has'>): Promise<void> {
    const { options, model } = this.#view(inSnapshot)
    const expected = model.get(key)
    expectValue(await this.#store.get(key, options), expected, key)
    expectValue(await this.#store.get(key, options), expected, key)
    expectValue(this.#store.getSync(key, options), expected, key)
  }

  async #has({ key, inSnapshot }: OpOf<'get'> | OpOf<'has'>): Promise<void> {
    const { options, model } = this.#view(inSnapshot)
    deepStrictEqual(await this.#store.has(key, options), model.get(key) !== undefined)
  }

  async #getMany({ keys, inSnapshot }: OpOf<'getMany'>): Promise<void> {
    const { options, model } = this.#view(inSnapshot)
    const values = await this.#store.getMany([...keys], options)
    for (const [i, key] of keys.entries()) expectValue(values[i], model.get(key), key)
    const has = await this.#store.hasMany([...keys], options)
    deepStrictEqual(
      has,
      keys.map(key => model.get(key) !== undefined)
    )
  }

  async #iterate({ range, how, size, seek, inSnapshot }: OpOf<'iterate'>): Promise<void> {
    const { options, model } = this.#view(inSnapshot)
    const read = { ...range, ...options }
    if (how === 'keys') {
      deepStrictEqual(await this.#store.keys(read).all(), keysOf(model.entries(range)))
      return
    }
    if (how === 'values') {
      const values = await this.#store.values(read).all()
      const expected = model.entries(range)
      deepStrictEqual(values.length, expected.length)
      for (const [i, [key, value]] of expected.entries()) expectValue(values[i], value, key)
      return
    }
    const iterator = this.#store.iterator(read)
    await this.#store.open()
    // Out of the range would end it, but in an empty database classic-level 3.0 aborts the process then.
    const target = seek !== undefined && isInside(seek, range) ? seek : undefined
    if (target !== undefined) iterator.seek(target)
    const found: [string, Buffer][] = []
    if (how === 'all') found.push(...(await iterator.all()))
    else if (how === 'next') for await (const entry of iterator) found.push(entry)
    else
      for (let some = await iterator.nextv(size); some.length > 0; some = await iterator.nextv(size))
        found.push(...some)
    await iterator.close()
    expectEntries(found, target === undefined ? model.entries(range) : entriesFrom(target, range, model))
  }

  async #expectAll(): Promise<void> {
    expectEntries(await this.#store.iterator().all(), this.#model.entries())
    for (const [key, value] of this.#model.entries()) expectValue(await this.#store.get(key), value, key)
  }
}

function isInside(target: string, range: Range): boolean {
  return new Model([[target, Buffer.alloc(0)]]).entries({ ...range, limit: -1 }).length > 0
}

/** What an iterator covers after seek(), to a target inside of its range. */
function entriesFrom(target: string, range: Range, model: Model): [string, Buffer][] {
  const { gt, gte, lt, lte, reverse } = range
  const bounds = reverse ? { gt, gte, lte: target } : { gte: target, lt, lte }
  const given = Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined))
  return model.entries({ ...given, reverse: reverse === true, limit: range.limit ?? -1 })
}

function codecOf(name: Write['codec']) {
  return name === 'deflate' ? deflate : name
}

const keysOf = (entries: [string, Buffer][]) => entries.map(([key]) => key)

function expectEntries(found: [string, Buffer][], expected: [string, Buffer][]): void {
  deepStrictEqual(keysOf(found), keysOf(expected))
  for (const [i, [key, value]] of expected.entries()) expectValue(found[i]![1], value, key)
}

function expectValue(found: Buffer | undefined, expected: Buffer | undefined, key: string): void {
  const same = found === undefined || expected === undefined ? found === expected : found.equals(expected)
  if (!same) throw new Error(`'${key}': expected ${describe(expected)}, found ${describe(found)}`)
  // It is ours: what a later read finds must not change with it.
  found?.fill(0)
}

function describe(value: Buffer | undefined): string {
  return value === undefined ? 'nothing' : `${value.length} bytes, ${value.toString('hex', 0, 16)}…`
}
