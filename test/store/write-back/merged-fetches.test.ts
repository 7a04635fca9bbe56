import { describe, expect, it } from 'vitest'
import { BACKENDS, openWriteBack } from './write-back-store.js'

const name = (i: number) => `k${String(i).padStart(3, '0')}`
const ALL = Array.from({ length: 200 }, (_, i) => name(i))

interface BackendIterator {
  _nextv(...args: unknown[]): Promise<unknown>
  _close(): Promise<void>
}

/** A store whose backend has the even keys, and its tables the odd ones; `watch` gets every iterator of the backend made from then on. */
async function interleaved(backendOf: () => Parameters<typeof openWriteBack>[1]) {
  const opened = await openWriteBack({}, backendOf())
  const put = (from: number) =>
    opened.store.batch(
      ALL.filter((_, i) => i % 2 === from).map(key => ({ type: 'put', key, value: Buffer.from(key.slice(1)) }))
    )
  await put(0)
  await opened.store.flush()
  await put(1)
  const watch = (watcher: (iterator: BackendIterator) => void) => {
    const target = opened.backend as unknown as { _iterator(options: object): BackendIterator }
    const original = target._iterator.bind(target)
    target._iterator = options => {
      const iterator = original(options)
      watcher(iterator)
      return iterator
    }
  }
  return { ...opened, watch }
}

describe.each(Object.entries(BACKENDS))('tables over %s, which gives its entries bit by bit', (_, backendOf) => {
  it.each([1, 7, 30, 1000])('hide none of them, whichever way they are asked for, by nextv(%i)', async size => {
    const { store } = await interleaved(backendOf)
    for (const reverse of [false, true]) {
      const expected = reverse ? ALL.toReversed() : ALL
      const [some, ones]: [string[], string[]] = [[], []]
      const iterator = store.iterator({ reverse })
      for (let entries = await iterator.nextv(size); entries.length > 0; entries = await iterator.nextv(size)) {
        expect(entries.length).toBeLessThanOrEqual(size)
        some.push(...entries.map(([key]) => key))
      }
      for await (const key of store.keys({ reverse })) ones.push(key)
      expect(some).toEqual(expected)
      expect(ones).toEqual(expected)
    }
  })

  it('give what lies before a fetch that fails, and whoever goes on misses nothing', async () => {
    const { store, watch } = await interleaved(backendOf)
    const refused = new Error('refused')
    watch(iterator => {
      const nextv = iterator._nextv.bind(iterator)
      let calls = 0
      iterator._nextv = (...args) => (++calls === 2 ? Promise.reject(refused) : nextv(...args))
    })
    for (const size of [10, 30]) {
      const iterator = store.keys()
      const found: string[] = []
      const errors: unknown[] = []
      for (;;) {
        try {
          const keys = await iterator.nextv(size)
          if (keys.length === 0) break
          found.push(...keys)
        } catch (error) {
          errors.push(error)
        }
      }
      expect(errors).toEqual([refused])
      expect(found).toEqual(ALL)
    }
  })

  it('that hide thousands in a row ask for more and more of them at once', async () => {
    const { store, watch } = await interleaved(backendOf)
    const keys = Array.from({ length: 5000 }, (_unused, i) => `m${String(i).padStart(4, '0')}`)
    await store.batch(keys.map(key => ({ type: 'put', key, value: Buffer.from('hidden') })))
    await store.put('n', Buffer.from('seen'))
    await store.flush()
    await store.batch(keys.map(key => ({ type: 'del', key })))
    let calls = 0
    watch(iterator => {
      const nextv = iterator._nextv.bind(iterator)
      iterator._nextv = (...args) => {
        calls++
        return nextv(...args)
      }
    })
    expect(await store.keys({ gte: 'm', limit: 1 }).all()).toEqual(['n'])
    expect(calls).toBeLessThan(20)
  })

  it("let go of the backend's iterator with the store's", async () => {
    const { store, watch } = await interleaved(backendOf)
    const open = new Set<BackendIterator>()
    watch(iterator => {
      open.add(iterator)
      const close = iterator._close.bind(iterator)
      iterator._close = () => {
        open.delete(iterator)
        return close()
      }
    })
    const iterator = store.iterator()
    await iterator.next()
    expect(open.size).toBe(1)
    await iterator.close()
    expect(open.size).toBe(0)
    await store.values({ limit: 5 }).all()
    for await (const key of store.keys()) if (key === name(9)) break
    await store.clear({ limit: 3 })
    expect(open.size).toBe(0)
  })
})
