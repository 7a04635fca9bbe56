import { describe, expect, it } from 'vitest'
import { intercept } from '../support/intercept.js'
import { type Backend, memory, openStore, type Store, storedEntries } from '../support/memory-store.js'
import { MARKER_KEY, RESERVED_PREFIX } from '../support/reserved.js'

const BINARY = { keyEncoding: 'buffer' } as const
const VALUE = Buffer.from('value')

/** User keys around the reserved ones, in order; the reserved ones lie between 'below' and 'above'. */
const below = ['a', 'b', '\u{10ffff}'].map(key => Buffer.from(key))
const edge = [Buffer.from([0xff]), Buffer.from([0xff, 0x63, 0x6b, 0x76]), Buffer.from([0xff, 0x63, 0x6b, 0x75, 0xff])]
const above = [Buffer.from([0xff, 0x63, 0x6b, 0x76, 0x01]), Buffer.from([0xff, 0xff])]
const userKeys = [...below, ...edge, ...above].sort((a, b) => Buffer.compare(a, b))
const hex = (keys: readonly Uint8Array[]) => keys.map(key => Buffer.from(key).toString('hex'))

async function filledStore(): Promise<{ store: Store; backend: Backend }> {
  const opened = await openStore()
  const operations = userKeys.map(key => ({ type: 'put' as const, key, value: VALUE }))
  await opened.store.batch<Buffer, Buffer>(operations, BINARY)
  expect((await storedEntries(opened.backend)).length).toBe(userKeys.length + 1)
  return opened
}

async function keysOf(store: Store, options: object): Promise<string[]> {
  return hex((await store.keys({ ...BINARY, ...options } as object).all()) as unknown as Buffer[])
}

describe('reserved keys are hidden', () => {
  it('from get, getSync, getMany, has and hasMany', async () => {
    const { store } = await filledStore()
    const key = MARKER_KEY as unknown as string
    expect(await store.get(key, BINARY)).toBeUndefined()
    expect(store.getSync(key, BINARY)).toBeUndefined()
    expect(await store.getMany([key, userKeys[0] as unknown as string], BINARY)).toEqual([undefined, VALUE])
    expect(await store.has(key, BINARY)).toBe(false)
    expect(await store.hasMany([userKeys[0] as unknown as string, key], BINARY)).toEqual([true, false])
    await store.put('ttl', VALUE, { ttl: 1000 })
    expect(await store.has(key, BINARY)).toBe(false)
  })

  it('from iterators in both directions, with every kind of limit', async () => {
    const { store } = await filledStore()
    for (const reverse of [false, true]) {
      const all = reverse ? hex(userKeys).toReversed() : hex(userKeys)
      expect(await keysOf(store, { reverse })).toEqual(all)
      for (let limit = 0; limit <= userKeys.length + 1; limit++) {
        expect(await keysOf(store, { reverse, limit })).toEqual(all.slice(0, limit))
        expect((await store.values({ reverse, limit }).all()).length).toBe(Math.min(limit, all.length))
        expect((await store.iterator({ reverse, limit }).all()).length).toBe(Math.min(limit, all.length))
      }
    }
  })

  it.each([
    { gte: RESERVED_PREFIX },
    { gt: RESERVED_PREFIX },
    { gte: MARKER_KEY },
    { gt: MARKER_KEY },
    { lt: MARKER_KEY },
    { lte: MARKER_KEY },
    { lte: RESERVED_PREFIX },
    { lt: above[0]! },
    { lte: above[0]! },
    { gte: above[0]! },
    { gte: MARKER_KEY, lte: MARKER_KEY },
    { gt: below[0]!, lt: MARKER_KEY },
    { gte: edge[1]!, lte: above[0]! },
    { gte: above[0]!, lte: below[0]! }
  ])('from ranges around them: %o', async range => {
    const { store } = await filledStore()
    const { gt, gte, lt, lte } = range as { gt?: Buffer; gte?: Buffer; lt?: Buffer; lte?: Buffer }
    const expected = userKeys.filter(
      key =>
        (gt === undefined || Buffer.compare(key, gt) > 0) &&
        (gte === undefined || Buffer.compare(key, gte) >= 0) &&
        (lt === undefined || Buffer.compare(key, lt) < 0) &&
        (lte === undefined || Buffer.compare(key, lte) <= 0)
    )
    expect(await keysOf(store, range)).toEqual(hex(expected))
    expect(await keysOf(store, { ...range, reverse: true })).toEqual(hex(expected).toReversed())
    expect(await keysOf(store, { ...range, limit: 1 })).toEqual(hex(expected.slice(0, 1)))
    await store.clear({ ...BINARY, ...range } as object)
    expect(await keysOf(store, {})).toEqual(hex(userKeys.filter(key => !expected.includes(key))))
    await store.put('still knows its marker', VALUE)
    await store.close()
    await store.open()
  })

  it('from an iterator that seeks to them', async () => {
    const { store } = await filledStore()
    const forward = store.keys({ ...BINARY } as object)
    forward.seek(MARKER_KEY as unknown as string)
    expect(hex([(await forward.next()) as unknown as Buffer])).toEqual(hex([above[0]!]))
    const reverse = store.keys({ ...BINARY, reverse: true } as object)
    reverse.seek(MARKER_KEY as unknown as string)
    const lastBelow = userKeys[userKeys.indexOf(above[0]!) - 1]!
    expect(hex([(await reverse.next()) as unknown as Buffer])).toEqual(hex([lastBelow]))
  })

  it('from nextv, which ends only at the end', async () => {
    const { store } = await filledStore()
    for (let size = 1; size < 5; size++) {
      const iterator = store.keys({ ...BINARY } as object)
      const found: Buffer[] = []
      for (;;) {
        const keys = (await iterator.nextv(size)) as unknown as Buffer[]
        if (keys.length === 0) break
        expect(keys.length).toBeLessThanOrEqual(size)
        found.push(...keys)
      }
      expect(hex(found)).toEqual(hex(userKeys))
    }
  })

  it('from clear, which leaves them there', async () => {
    const { store, backend } = await filledStore()
    await store.clear({ limit: 2 })
    expect((await keysOf(store, {})).length).toBe(userKeys.length - 2)
    await store.clear({ reverse: true, limit: 3 })
    expect((await keysOf(store, {})).length).toBe(userKeys.length - 5)
    await store.clear()
    expect((await storedEntries(backend)).map(([key]) => key)).toEqual(hex([MARKER_KEY]))
    await store.clear({ limit: 5 })
    expect((await storedEntries(backend)).length).toBe(1)
  })
})

describe('reserved keys take no room', () => {
  it.each([false, true])('in what nextv() hands out, reverse: %s', async reverse => {
    const { store } = await filledStore()
    const expected = hex(reverse ? userKeys.toReversed() : userKeys)
    for (const size of [3, userKeys.length]) {
      const iterator = store.keys<Buffer>({ ...BINARY, reverse })
      expect(hex(await iterator.nextv(size))).toEqual(expected.slice(0, size))
      expect(hex(await iterator.nextv(size))).toEqual(expected.slice(size, 2 * size))
      await iterator.close()
    }
  })
})

describe('reserved keys are refused', () => {
  it.each(hex([RESERVED_PREFIX, MARKER_KEY, Buffer.concat([RESERVED_PREFIX, Buffer.alloc(10, 0xff)])]))(
    'by put, del, batch and chained batch: %s',
    async name => {
      const { store, backend } = await filledStore()
      const before = await storedEntries(backend)
      const key = Buffer.from(name, 'hex')
      const refused = { code: 'LEVEL_INVALID_KEY' }
      await expect(store.put<Buffer, Buffer>(key, VALUE, BINARY)).rejects.toMatchObject(refused)
      await expect(store.del<Buffer>(key, BINARY)).rejects.toMatchObject(refused)
      const good = { type: 'put' as const, key: Buffer.from('good'), value: VALUE }
      for (const bad of [
        { ...good, key },
        { type: 'del' as const, key }
      ]) {
        await expect(store.batch<Buffer, Buffer>([good, bad], BINARY)).rejects.toMatchObject(refused)
      }
      const put = async () => store.batch().put<Buffer, Buffer>(key, VALUE, BINARY).write()
      const del = async () => store.batch().del<Buffer>(key, BINARY).write()
      await expect(put()).rejects.toMatchObject(refused)
      await expect(del()).rejects.toMatchObject(refused)
      expect(await storedEntries(backend)).toEqual(before)
    }
  )

  it('at open, if something else wrote them', async () => {
    const backend = memory()
    await backend.put<Buffer, Buffer>(Buffer.concat([RESERVED_PREFIX, Buffer.from('mine')]), VALUE, BINARY)
    await expect(openStore({}, backend)).rejects.toMatchObject({ cause: { code: 'LEVEL_INVALID_KEY' } })
    await backend.close()
    await expect(openStore({}, backend)).rejects.toMatchObject({ cause: { code: 'LEVEL_INVALID_KEY' } })
    expect(backend.status).toBe('closed')
  })
})

describe('an iterator whose backend fails behind a reserved key', () => {
  it.each([
    ['and fails with the next call', () => {}, 'disk'],
    ['and goes on where it is sought next', (iterator: { seek(key: string): void }) => iterator.seek('b'), ['b', 'a']]
  ])('gives what came before, %s', async (_, seek, expected) => {
    const { store, backend } = await openStore()
    for (const key of ['a', 'b', 'c']) await store.put(key, Buffer.from(key))
    let calls = 0
    const restore = intercept(backend, ['_iterator'], ({ proceed }) => {
      const iterator = proceed() as unknown as { _nextv: (...args: unknown[]) => Promise<unknown> }
      const original = iterator._nextv.bind(iterator)
      iterator._nextv = async (...args) => {
        if (++calls === 2) throw new Error('disk')
        return original(...args)
      }
      return iterator as never
    })
    const iterator = store.keys({ reverse: true })
    expect(await iterator.nextv(3)).toEqual(['c', 'b'])
    seek(iterator)
    expect(await iterator.nextv(3).catch(({ message }: Error) => message)).toEqual(expected)
    await iterator.close()
    restore()
    await store.close()
  })
})
