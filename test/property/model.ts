/** Bounds as abstract-level knows them. `gte` and `lte` win over `gt` and `lt`. */
export interface Range {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse?: boolean
  /** -1 for none */
  readonly limit?: number
}

/** What a store should hold: a map, sorted when asked. Keys are ASCII, so that text order is byte order. */
export class Model {
  readonly #entries: Map<string, Buffer>

  constructor(entries: Iterable<[string, Buffer]> = []) {
    this.#entries = new Map(entries)
  }

  get(key: string): Buffer | undefined {
    return this.#entries.get(key)
  }

  put(key: string, value: Buffer): void {
    this.#entries.set(key, value)
  }

  del(key: string): void {
    this.#entries.delete(key)
  }

  clear(range: Range): void {
    for (const [key] of this.entries(range)) this.#entries.delete(key)
  }

  entries(range: Range = {}): [string, Buffer][] {
    const found = [...this.#entries].filter(([key]) => inRange(key, range)).sort(([a], [b]) => (a < b ? -1 : 1))
    if (range.reverse) found.reverse()
    const { limit = -1 } = range
    return limit < 0 ? found : found.slice(0, limit)
  }

  copy(): Model {
    return new Model(this.#entries)
  }
}

function inRange(key: string, { gt, gte, lt, lte }: Range): boolean {
  if (gte !== undefined ? key < gte : gt !== undefined && key <= gt) return false
  return !(lte !== undefined ? key > lte : lt !== undefined && key >= lt)
}
