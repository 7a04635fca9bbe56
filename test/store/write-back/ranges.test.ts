import { beforeAll, describe, expect, it } from 'vitest'
import { contents, type Store } from '../../support/logged-store.js'
import { RESERVED_PREFIX } from '../../support/reserved.js'
import { text } from '../../support/sample-values.js'
import { BACKENDS, openWriteBack, type WriteBack } from './write-back-store.js'

/*
 * Iterators over tables and backend, held against a sorted list of what was written: every bound that lies on, below, between and above
 * keys, both directions, limits, and targets of seek.
 */

type Model = Map<string, string>

/** A store and what it should show. */
interface Case extends WriteBack {
  readonly expected: [string, string][]
}

class Writer {
  readonly model: Model = new Map()
  readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  async put(keys: string, value: string): Promise<void> {
    for (const key of keys) {
      this.model.set(key, value)
      await this.store.put(key, Buffer.from(value))
    }
  }

  async del(keys: string): Promise<void> {
    for (const key of keys) {
      this.model.delete(key)
      await this.store.del(key)
    }
  }

  async clear(gte: string, lt: string): Promise<void> {
    for (const key of this.model.keys()) if (key >= gte && key < lt) this.model.delete(key)
    await this.store.clear({ gte, lt })
  }

  async expired(keys: string): Promise<void> {
    for (const key of keys) {
      this.model.delete(key)
      await this.store.put(key, Buffer.from('expired'), { ttl: 1 })
    }
    const end = Date.now() + 2
    while (Date.now() < end) await new Promise(resolve => setTimeout(resolve, 1))
  }

  flush(): Promise<void> {
    return this.store.flush()
  }

  /** Freezes the table, so that there are several. */
  view(): void {
    this.store.iterator()
  }
}

const layouts: Record<string, (writer: Writer) => Promise<void>> = {
  'tables only': async writer => {
    await writer.put('bdfh', 'one')
    writer.view()
    await writer.put('df', 'two')
  },
  'the backend only': async writer => {
    await writer.put('bdfh', 'one')
    await writer.flush()
  },
  'both, one between the other': async writer => {
    await writer.put('bf', 'backend')
    await writer.flush()
    await writer.put('dh', 'table')
  },
  'both, with overwrites and deletes': async writer => {
    await writer.put('bcdefh', 'backend')
    await writer.flush()
    await writer.put('dh', 'table')
    await writer.del('be')
    writer.view()
    await writer.put('b', 'again')
    await writer.del('cxh')
  },
  'both, with ranges cleared between': async writer => {
    await writer.put('abcdefgh', 'backend')
    await writer.flush()
    await writer.put('cf', 'before')
    await writer.clear('b', 'g')
    await writer.put('dg', 'after')
    await writer.clear('g', 'h')
    await writer.put('b', 'last')
  },
  'both, everything cleared': async writer => {
    await writer.put('bdf', 'backend')
    await writer.flush()
    await writer.put('cf', 'before')
    await writer.clear('a', 'z')
  },
  'both, with entries that have expired': async writer => {
    await writer.put('abdf', 'backend')
    await writer.expired('c')
    await writer.flush()
    await writer.put('eh', 'table')
    await writer.expired('bdg')
  },
  'many tables and ranges': async writer => {
    await writer.put('abcdefgh', 'backend')
    await writer.flush()
    for (let i = 0; i < 6; i++) {
      await writer.put('bfh'.slice(i % 3), `round ${i}`)
      await writer.del('ace'[i % 3]!)
      await writer.clear('d', i % 2 ? 'e' : 'f')
      writer.view()
    }
  }
}

const bounds = [undefined, 'a', 'b', 'c', 'f', 'z']

function* ranges(): Generator<{ gt?: string; gte?: string; lt?: string; lte?: string }> {
  for (const lower of bounds) {
    for (const upper of bounds) {
      yield { ...(lower && { gte: lower }), ...(upper && { lte: upper }) }
      if (lower || upper) yield { ...(lower && { gt: lower }), ...(upper && { lt: upper }) }
    }
  }
}

const inRange = (key: string, { gt, gte, lt, lte }: { gt?: string; gte?: string; lt?: string; lte?: string }) =>
  !(gt !== undefined && key <= gt) &&
  !(gte !== undefined && key < gte) &&
  !(lt !== undefined && key >= lt) &&
  !(lte !== undefined && key > lte)

const named = (entries: readonly [string, Buffer][]) => entries.map(([key, value]) => [key, value.toString()])

for (const [backendName, backendOf] of Object.entries(BACKENDS)) {
  describe.each(Object.entries(layouts))(`over ${backendName}, %s`, (_, layout) => {
    let shown: Case

    beforeAll(async () => {
      const opened = await openWriteBack({}, backendOf())
      const writer = new Writer(opened.store)
      await layout(writer)
      const expected = [...writer.model].sort(([a], [b]) => (a < b ? -1 : 1))
      shown = { ...opened, expected }
    })

    it('every range, in both directions, with limits', async () => {
      const { store, expected } = shown
      for (const range of ranges()) {
        const inside = expected.filter(([key]) => inRange(key, range))
        for (const reverse of [false, true]) {
          const ordered = reverse ? inside.toReversed() : inside
          const limit = (range.gt ?? range.gte ?? '').length + (range.lt ?? range.lte ?? '').length
          const wanted = limit === 2 ? ordered.slice(0, limit) : ordered
          const options = { ...range, reverse, ...(limit === 2 && { limit }) }
          expect([options, ...named(await store.iterator(options).all())]).toEqual([options, ...wanted])
        }
      }
    })

    it('keys() and values(), by next(), nextv() and all()', async () => {
      const { store, expected } = shown
      for (const reverse of [false, true]) {
        const wanted = reverse ? expected.toReversed() : expected
        expect(await store.keys({ reverse }).all()).toEqual(wanted.map(([key]) => key))
        expect((await store.values({ reverse }).all()).map(String)).toEqual(wanted.map(([, value]) => value))
        for (const size of [1, 2, 100]) {
          const found: [string, Buffer][] = []
          const iterator = store.iterator({ reverse })
          for (let chunk = await iterator.nextv(size); chunk.length > 0; chunk = await iterator.nextv(size)) {
            expect(chunk.length).toBeLessThanOrEqual(size)
            found.push(...chunk)
          }
          expect(named(found)).toEqual(wanted)
        }
        const found: [string, Buffer][] = []
        for await (const entry of store.iterator({ reverse })) found.push(entry)
        expect(named(found)).toEqual(wanted)
        const values = store.values({ reverse, limit: 1 })
        expect(String(await values.next())).toBe(String(wanted[0]?.[1]))
        expect(await values.next()).toBeUndefined()
      }
    })

    it('seek, before the first next and in the middle, forward and back', async () => {
      const { store, expected } = shown
      for (const reverse of [false, true]) {
        const from = (target: string) =>
          (reverse ? expected.toReversed() : expected).filter(([key]) => (reverse ? key <= target : key >= target))
        for (const target of bounds.slice(1) as string[]) {
          const iterator = store.iterator({ reverse })
          iterator.seek(target)
          expect([target, ...named(await iterator.all())]).toEqual([target, ...from(target)])
          for (const second of bounds.slice(1) as string[]) {
            const again = store.iterator({ reverse, gt: 'a', lt: 'z' })
            await again.next()
            again.seek(target)
            await again.nextv(2)
            again.seek(second)
            const wanted = second === 'a' || second === 'z' ? [] : from(second).filter(([key]) => key > 'a')
            const next = await again.next()
            expect([target, second, next && named([next])[0]]).toEqual([target, second, wanted[0]])
            await again.close()
          }
        }
      }
    })

    it('limits count what is seen', async () => {
      const { store, expected } = shown
      for (let limit = 0; limit <= expected.length + 1; limit++) {
        expect(named(await store.iterator({ limit }).all())).toEqual(expected.slice(0, limit))
        expect(await store.keys({ limit, reverse: true }).all()).toEqual(
          expected
            .toReversed()
            .slice(0, limit)
            .map(([key]) => key)
        )
      }
    })

    it('by key it is the same', async () => {
      const { store, expected } = shown
      const model = new Map(expected)
      const keys = 'abcdefghx'.split('')
      const values = await store.getMany(keys)
      expect(values.map(value => value?.toString())).toEqual(keys.map(key => model.get(key)))
      expect(await store.hasMany(keys)).toEqual(keys.map(key => model.has(key)))
      for (const key of keys) {
        expect((await store.get(key))?.toString()).toBe(model.get(key))
        expect(store.getSync(key)?.toString()).toBe(model.get(key))
        expect(await store.has(key)).toBe(model.has(key))
      }
    })

    it('and after a flush', async () => {
      const { store, expected } = shown
      await store.flush()
      expect(await contents(store)).toEqual(expected)
    })
  })
}

it('sublevels see their own part, with seek and reverse', async () => {
  const { store } = await openWriteBack()
  const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
  const nested = sub.sublevel<string, Buffer>('nested', { valueEncoding: 'buffer' })
  await store.put('!a', Buffer.from('outside'))
  await sub.put('b', Buffer.from('backend'))
  await nested.put('x', Buffer.from('nested'))
  await store.flush()
  for (const key of 'acd') await sub.put(key, Buffer.from('table'))
  await nested.put('y', Buffer.from('nested'))
  await store.put('~', Buffer.from('outside'))
  expect(await sub.keys({ gte: 'a' }).all()).toEqual(['a', 'b', 'c', 'd'])
  expect(await sub.keys({ gt: 'a', reverse: true, limit: 2 }).all()).toEqual(['d', 'c'])
  expect(await nested.keys().all()).toEqual(['x', 'y'])
  const iterator = sub.keys({ gte: 'a' })
  iterator.seek('bb')
  expect(await iterator.all()).toEqual(['c', 'd'])
})

it('reserved keys stay hidden among tables, and hide nothing themselves', async () => {
  for (const backendOf of Object.values(BACKENDS)) {
    const { store } = await openWriteBack({}, backendOf())
    const binary = { keyEncoding: 'buffer' } as const
    const around = [Buffer.of(0xfe), Buffer.of(0xff), RESERVED_PREFIX.subarray(0, 4), Buffer.of(0xff, 0xff)]
    for (const [i, key] of around.entries()) {
      await store.put<Buffer, Buffer>(key, text(3), binary)
      if (i === 1) await store.flush()
    }
    const keys = async (options: object) =>
      (await store.keys({ ...binary, ...options }).all()).map(key => (key as unknown as Buffer).toString('hex'))
    const all = around.map(key => key.toString('hex'))
    expect(await keys({})).toEqual(all)
    expect(await keys({ reverse: true, limit: 2 })).toEqual(all.toReversed().slice(0, 2))
    expect(await keys({ gte: RESERVED_PREFIX })).toEqual(all.slice(3))
    await expect(store.put<Buffer, Buffer>(RESERVED_PREFIX, text(3), binary)).rejects.toMatchObject({
      code: 'LEVEL_INVALID_KEY'
    })
    const iterator = store.keys(binary as object)
    iterator.seek(RESERVED_PREFIX as unknown as string)
    expect((await iterator.all()).length).toBe(1)
  }
})
