import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AbstractIterator, AbstractLevel } from 'abstract-level'
import { MemoryLevel } from 'memory-level'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { turns } from '../support/turns.js'

const VALUE = text(5000)
const NOT_SUPPORTED = { code: 'LEVEL_NOT_SUPPORTED' }

interface Range {
  readonly gt?: Buffer
  readonly gte?: Buffer
  readonly lt?: Buffer
  readonly lte?: Buffer
  readonly reverse: boolean
}

/** The least that an abstract-level database may be: no has, no getSync, no snapshots of any kind, no seek. */
class MapLevel extends AbstractLevel<Buffer, string, Buffer> {
  readonly entries = new Map<string, Buffer>()

  constructor() {
    const encodings = { buffer: true }
    super(
      { encodings, has: false, implicitSnapshots: false, explicitSnapshots: false, seek: false },
      { valueEncoding: 'buffer' }
    )
  }

  async _put(key: Buffer, value: Buffer): Promise<void> {
    this.entries.set(key.toString('hex'), Buffer.from(value))
  }

  async _del(key: Buffer): Promise<void> {
    this.entries.delete(key.toString('hex'))
  }

  async _batch(operations: readonly { type: string; key: Buffer; value: Buffer }[]): Promise<void> {
    for (const { type, key, value } of operations) await (type === 'put' ? this._put(key, value) : this._del(key))
  }

  async _get(key: Buffer): Promise<Buffer | undefined> {
    return this.entries.get(key.toString('hex'))
  }

  async _getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return keys.map(key => this.entries.get(key.toString('hex')))
  }

  _iterator(options: Range): MapIterator {
    return new MapIterator(this, options)
  }
}

/** Sees what is written while it goes on, as `implicitSnapshots: false` says. */
class MapIterator extends AbstractIterator<MapLevel, Buffer, Buffer> {
  readonly #entries: Map<string, Buffer>
  readonly #options: Range
  #last: string | undefined

  constructor(db: MapLevel, options: Range) {
    super(db, options)
    this.#entries = db.entries
    this.#options = options
  }

  async _next(): Promise<[Buffer, Buffer] | undefined> {
    const { reverse } = this.#options
    const names = [...this.#entries.keys()].filter(name => this.#isLeft(name)).sort()
    const name = reverse ? names.at(-1) : names[0]
    if (name === undefined) return undefined
    this.#last = name
    return [Buffer.from(name, 'hex'), this.#entries.get(name)!]
  }

  #isLeft(name: string): boolean {
    const { gt, gte, lt, lte, reverse } = this.#options
    if (this.#last !== undefined && (reverse ? name >= this.#last : name <= this.#last)) return false
    if (gte ? name < gte.toString('hex') : gt && name <= gt.toString('hex')) return false
    return !(lte ? name > lte.toString('hex') : lt && name >= lt.toString('hex'))
  }
}

/** memory-level that says of itself that it lacks something. */
class Lacking extends MemoryLevel<string, Buffer> {
  constructor(...lacks: ('has' | 'getSync' | 'explicitSnapshots' | 'implicitSnapshots')[]) {
    super({ valueEncoding: 'buffer' })
    for (const name of lacks) Object.assign(this.supports, { [name]: false })
  }
}

const backends: [string, () => MapLevel | Lacking][] = [
  ['with nothing but the least', () => new MapLevel()],
  ['without has', () => new Lacking('has')],
  ['without getSync', () => new Lacking('getSync')],
  ['without explicit snapshots', () => new Lacking('explicitSnapshots')],
  ['without implicit snapshots', () => new Lacking('implicitSnapshots')]
]

afterEach(() => void vi.useRealTimers())

describe.each(backends)('over a backend %s', (_, backend) => {
  it.each([0, 1 << 20])('reads and writes work, with cacheBytes %i', async cacheBytes => {
    const store = new CompressedKvStore<string, Buffer>(backend(), { cacheBytes })
    await store.put('a', VALUE)
    await store.batch([
      { type: 'put', key: 'b', value: VALUE },
      { type: 'put', key: 'c', value: VALUE, ttl: 3_600_000 }
    ])
    await store.del('b')
    for (let time = 0; time < 2; time++) {
      expect((await store.get('a'))?.equals(VALUE)).toBe(true)
      expect(await store.get('b')).toBeUndefined()
      expect((await store.getMany(['a', 'b', 'c'])).map(value => value?.length)).toEqual([5000, undefined, 5000])
      expect([await store.has('a'), await store.has('b')]).toEqual([true, false])
      expect(await store.hasMany(['a', 'b', 'c'])).toEqual([true, false, true])
      expect((await store.iterator().all()).map(([key, value]) => [key, value.equals(VALUE)])).toEqual([
        ['a', true],
        ['c', true]
      ])
      expect(await store.keys({ reverse: true }).all()).toEqual(['c', 'a'])
      await store.close()
      await store.open()
    }
    await store.close()
  })

  it('a keys iterator does not show what was written later and has expired since', async () => {
    const store = new CompressedKvStore<string, Buffer>(backend())
    await store.put('a', VALUE)
    await store.put('c', VALUE)
    vi.useFakeTimers({ toFake: ['Date'] })
    const keys = store.keys()
    const entries = store.iterator({ values: false })
    await store.put('b', VALUE, { ttl: 1000 })
    vi.setSystemTime(Date.now() + 1000)
    expect(await keys.all()).toEqual(['a', 'c'])
    expect((await entries.all()).map(([key]) => key)).toEqual(['a', 'c'])
    await store.close()
  })
})

describe('what a backend lacks is refused', () => {
  it.each([
    ['with nothing but the least', () => new MapLevel()],
    ['without getSync', () => new Lacking('getSync')]
  ])('getSync over a backend %s, also of a value in the cache', async (_, backend) => {
    const store = new CompressedKvStore<string, Buffer>(backend(), { cacheBytes: 1 << 20 })
    await store.put('k', VALUE)
    expect(() => store.getSync('k')).toThrow(expect.objectContaining(NOT_SUPPORTED))
    await store.get('k')
    expect(store.stats().cache.entries).toBe(1)
    expect(() => store.getSync('k')).toThrow(expect.objectContaining(NOT_SUPPORTED))
    expect(() => store.getSync('missing')).toThrow(expect.objectContaining(NOT_SUPPORTED))
    expect((await store.get('k'))?.equals(VALUE)).toBe(true)
    await store.close()
  })

  it('snapshot() over a backend without explicit snapshots, and the store can be closed', async () => {
    const backend = new MapLevel()
    const store = new CompressedKvStore<string, Buffer>(backend)
    await store.put('k', VALUE)
    expect(store.supports.explicitSnapshots).toBe(false)
    for (let i = 0; i < 2; i++) expect(() => store.snapshot()).toThrow(expect.objectContaining(NOT_SUPPORTED))
    expect((await store.get('k'))?.equals(VALUE)).toBe(true)
    await store.close()
    await turns()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })
})

function at(location: string): MapLevel {
  return Object.defineProperty(new MapLevel(), 'location', { value: location })
}

describe('a backend whose location is no directory', () => {
  it('is told to say where its log is to be, and nothing is made there', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'file'), 'of a database')
    const stores = ['file', 'name'].map(name => new CompressedKvStore<string, Buffer>(at(join(directory, name))))
    expect(await failures(stores.map(store => store.put('key', VALUE)))).toEqual(
      stores.map(() =>
        expect.objectContaining({
          code: 'LEVEL_DATABASE_NOT_OPEN',
          cause: expect.objectContaining({
            code: 'CKV_INVALID_OPTION',
            message: expect.stringContaining('no directory for a log') as string
          }) as unknown
        })
      )
    )
    expect(readdirSync(directory)).toEqual(['file'])
  })

  it('can be wrapped without a log, or with one elsewhere', async () => {
    for (const wal of [false, temporaryDirectory()]) {
      const store = new CompressedKvStore<string, Buffer>(at('redis://host'), { wal })
      await store.put('key', VALUE)
      expect(await store.get('key')).toEqual(VALUE)
      await store.close()
    }
  })
})

describe('a backend with a property of its own named db', () => {
  class WithDb extends MemoryLevel<string, Buffer> {
    readonly db: unknown

    constructor(db: unknown) {
      super({ valueEncoding: 'buffer' })
      this.db = db
    }
  }

  it.each([
    ['text', 'name'],
    ['an object', {}],
    ['null', null],
    ['another database', new MemoryLevel()]
  ])('that is %s: it is wrapped, beside another with the same', async (_, db) => {
    const backendsWithDb = [new WithDb(db), new WithDb(db)]
    const stores = backendsWithDb.map(backend => new CompressedKvStore<string, Buffer>(backend))
    await Promise.all(stores.map(store => store.open()))
    for (const [i, store] of stores.entries()) {
      await store.put(`k${i}`, VALUE)
      expect(await store.keys().all()).toEqual([`k${i}`])
    }
    await expect(openStore({}, backendsWithDb[0] as never)).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
    await Promise.all(stores.map(store => store.close()))
    expect(backendsWithDb.map(({ status }) => status)).toEqual(['closed', 'closed'])
  })
})
