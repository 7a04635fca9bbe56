import { deepStrictEqual, strictEqual } from 'node:assert'
import type { Kept } from '../../src/memtable/memtable.js'
import { Overlay } from '../../src/memtable/overlay.js'
import type { Frozen } from '../../src/memtable/tables.js'
import { nextTurn } from '../../src/turn.js'
import { applyTo, type Content, selected } from './content.js'
import type { Op } from './operations.js'

/** What a reader sees who has a view, and the backend as it was then. */
export class Iteration {
  readonly #overlay: Overlay<string>
  readonly #backend: Content
  readonly #expected: Content
  readonly #op: Extract<Op, { op: 'iterate' }>
  #target: string | undefined
  #heads: { readonly name: string; readonly found: Kept<string> }[] = []

  constructor(
    view: readonly Frozen<string>[],
    backend: Content,
    expected: Content,
    iterate: Extract<Op, { op: 'iterate' }>
  ) {
    this.#overlay = new Overlay(view, iterate.range, iterate.reverse)
    this.#backend = new Map(backend)
    this.#expected = new Map(expected)
    this.#op = iterate
    if (iterate.seek !== undefined) this.seek(iterate.seek)
  }

  async read(count: number): Promise<void> {
    await this.#overlay.prepare(() => (count % 2 === 0 ? nextTurn() : undefined))
    for (let i = 0; i < count; i++) {
      const { head } = this.#overlay
      if (head === undefined) return
      this.#heads.push(head)
      this.#overlay.advance()
    }
  }

  seek(target: string): void {
    this.#check()
    this.#overlay.seek(target)
    this.#target = target
    this.#heads = []
  }

  async finish(): Promise<void> {
    await this.read(Infinity)
    deepStrictEqual(this.#merged(), this.#selected(this.#expected))
  }

  /** What was read so far is right, and nothing before it was passed over. */
  #check(): void {
    const last = this.#heads.at(-1)?.name
    if (last === undefined) return
    const reached = ([at]: [string, string]) => (this.#op.reverse ? at >= last : at <= last)
    deepStrictEqual(this.#merged().filter(reached), this.#selected(this.#expected).filter(reached))
  }

  #selected(content: Content): [string, string][] {
    return selected(content, this.#op.range, this.#op.reverse, this.#target)
  }

  #merged(): [string, string][] {
    const names = this.#heads.map(head => head.name)
    const sorted = [...new Set(names)].sort()
    deepStrictEqual(names, this.#op.reverse ? sorted.toReversed() : sorted)
    strictEqual(this.#selected(new Map(names.map(at => [at, '']))).length, names.length)
    const merged = new Map(
      this.#selected(this.#backend).filter(([at]) => !this.#overlay.hides(Buffer.from(at, 'latin1')))
    )
    for (const { name: at, found } of this.#heads) applyTo(merged, at, found)
    return selected(merged, this.#op.range, this.#op.reverse, this.#target)
  }
}
