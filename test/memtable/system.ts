import { deepStrictEqual, strictEqual } from 'node:assert'
import { type Kept, TOMBSTONE } from '../../src/memtable/memtable.js'
import { covers } from '../../src/memtable/range-tombstone.js'
import { type Frozen, findIn, Tables } from '../../src/memtable/tables.js'
import { applyTo, byName, clearIn, type Content } from './content.js'
import { Iteration } from './iteration.js'
import type { Op } from './operations.js'

/** Tables over a backend, and beside them what they should have together. */
export class System {
  readonly #tables = new Tables<string>()
  readonly #backend: Content = new Map([
    ['a', 'before'],
    ['c', 'before'],
    ['\xff', 'before']
  ])
  readonly #model: Content = new Map(this.#backend)
  readonly #iterations: Iteration[] = []
  readonly #views: { readonly view: readonly Frozen<string>[]; readonly backend: Content; readonly model: Content }[] =
    []
  #flushing: readonly Frozen<string>[] = []
  #sequence = 0
  #weight = 0
  #flushedSequence = 0

  async run(next: Op): Promise<void> {
    switch (next.op) {
      case 'put':
        return this.#set(next.name, `value ${this.#sequence}`)
      case 'del':
        return this.#set(next.name, TOMBSTONE)
      case 'clear':
        this.#tables.clear(next.range, this.#record(1))
        return clearIn(this.#model, next.range)
      case 'freeze': {
        const last = this.#tables.freeze()
        return strictEqual(last, this.#tables.frozenCount === 0 ? 0 : this.#sequence)
      }
      case 'view': {
        const view = this.#tables.view()
        this.#views.push({ view, backend: new Map(this.#backend), model: new Map(this.#model) })
        return
      }
      case 'flush':
        return this.#startFlush(next.maxWeight)
      case 'endFlush':
        return this.#endFlush(next.done)
      case 'iterate':
        this.#iterations.push(new Iteration(this.#tables.view(), this.#backend, this.#model, next))
        return
      case 'read':
        return this.#iterations.at(-1 - next.iterator)?.read(next.count)
      case 'seek':
        return this.#iterations.at(-1 - next.iterator)?.seek(next.target)
    }
  }

  check(): void {
    const names = new Set([...this.#model.keys(), ...this.#backend.keys()])
    for (const at of names) strictEqual(seen(this.#tables.find(at), this.#backend.get(at)), this.#model.get(at))
    if (this.#flushing.length > 0) strictEqual(this.#tables.oldest, this.#flushing[0])
    strictEqual(this.#tables.isEmpty, this.#sequence === this.#flushedSequence)
  }

  async finish(): Promise<void> {
    for (const { view, backend, model } of this.#views) {
      for (const at of new Set([...backend.keys(), ...model.keys()])) {
        strictEqual(seen(findIn(view, at), backend.get(at)), model.get(at))
      }
    }
    for (const iteration of this.#iterations) await iteration.finish()
    const view = this.#tables.view()
    strictEqual(
      view.reduce((sum, { weight }) => sum + weight, 0),
      this.#weight
    )
    deepStrictEqual(
      view.map(({ sequence }) => sequence),
      view.map(({ sequence }) => sequence).sort((a, b) => a - b)
    )
    strictEqual(view.at(-1)?.sequence ?? this.#flushedSequence, this.#sequence)
    this.#endFlush(true)
    while (!this.#tables.isEmpty) {
      this.#startFlush(10)
      this.#endFlush(true)
    }
    deepStrictEqual([...this.#backend].sort(byName), [...this.#model].sort(byName))
    deepStrictEqual([this.#weight, this.#tables.entries, this.#tables.bytes], [0, 0, 0])
  }

  #set(at: string, found: Kept<string>): void {
    this.#tables.set(at, found, this.#record(1 + (this.#sequence % 3)))
    applyTo(this.#model, at, found)
  }

  #record(weight: number): { sequence: number; weight: number } {
    this.#weight += weight
    return { sequence: ++this.#sequence, weight }
  }

  #startFlush(maxWeight: number): void {
    if (this.#flushing.length > 0) return
    this.#flushing = this.#tables.startFlush(maxWeight)
  }

  /** A flush that fails leaves a part of it in the backend. */
  #endFlush(done: boolean): void {
    const items = this.#flushing
    if (items.length === 0) return
    for (const item of items) this.#flush(item, done)
    this.#flushing = []
    if (!done) return this.#tables.flushFailed()
    this.#tables.flushed()
    for (const { weight } of items) this.#weight -= weight
    this.#flushedSequence = items.at(-1)!.sequence
  }

  #flush(item: Frozen<string>, done: boolean): void {
    if ('clear' in item) {
      if (done) clearIn(this.#backend, item.clear)
      else this.#backend.delete([...this.#backend.keys()].find(at => covers(item.clear, at)) ?? 'none')
    } else {
      const names = item.table.order()
      for (const at of done ? names : names.slice(names.length / 2)) applyTo(this.#backend, at, item.table.find(at)!)
    }
  }
}

function seen(found: Kept<string> | undefined, stored: string | undefined): string | undefined {
  return found === TOMBSTONE ? undefined : (found ?? stored)
}
