import { describe, expect, it } from 'vitest'
import { openStore, type Store } from '../support/memory-store.js'

const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const KEY_AS_BYTES = { keyEncoding: 'buffer' } as const

/** 'a', 'b' and 'c', each with its own name as the value. */
async function fill(level: Store): Promise<void> {
  for (const key of 'abc') await level.put(key, Buffer.from(key))
}

/** Each answers with a function that begins: the turn in which calls are deferred is short. */
const deferred: [string, () => Promise<() => Store>][] = [
  [
    'on a store that is opening',
    async () => {
      const { store } = await openStore()
      await fill(store)
      await store.close()
      return () => {
        void store.open()
        return store
      }
    }
  ],
  [
    'on a sublevel that was made a moment ago',
    async () => {
      const { store } = await openStore()
      const sublevel = () => store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' }) as unknown as Store
      await fill(sublevel())
      return sublevel
    }
  ],
  [
    'on a sublevel of a sublevel that was made a moment ago',
    async () => {
      const { store } = await openStore()
      const sublevel = () =>
        store.sublevel('one').sublevel<string, Buffer>('two', { valueEncoding: 'buffer' }) as unknown as Store
      await fill(sublevel())
      return sublevel
    }
  ]
]

const open: [string, () => Promise<() => Store>][] = [
  [
    'on an open store',
    async () => {
      const { store } = await openStore()
      await fill(store)
      return () => store
    }
  ],
  [
    'on an open sublevel',
    async () => {
      const { store } = await openStore()
      const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' }) as unknown as Store
      await fill(sub)
      return () => sub
    }
  ]
]

describe.each([...deferred, ...open])('%s the caller may change right after the call', (_, prepare) => {
  it('the key of get', async () => {
    const begin = await prepare()
    const key = Buffer.from('a')
    const found = begin().get(key, AS_BYTES)
    key.fill('b')
    expect(String(await found)).toBe('a')
  })

  it('the key of has', async () => {
    const begin = await prepare()
    const key = Buffer.from('a')
    const found = begin().has(key, KEY_AS_BYTES)
    key.fill('z')
    expect(await found).toBe(true)
  })

  it('the keys of getMany', async () => {
    const begin = await prepare()
    const keys = [Buffer.from('a'), Buffer.from('z'), Buffer.from('c')]
    const found = begin().getMany(keys, AS_BYTES)
    for (const key of keys) key.fill('b')
    keys.length = 1
    expect((await found).map(value => value?.toString())).toEqual(['a', undefined, 'c'])
  })

  it('the keys of hasMany', async () => {
    const begin = await prepare()
    const keys = [Buffer.from('a'), Buffer.from('z'), Buffer.from('c')]
    const found = begin().hasMany(keys, KEY_AS_BYTES)
    for (const key of keys) key.fill('z')
    keys.length = 1
    expect(await found).toEqual([true, false, true])
  })

  const bounds: ['gt' | 'gte' | 'lt' | 'lte', string[]][] = [
    ['gt', ['c']],
    ['gte', ['b', 'c']],
    ['lt', ['a']],
    ['lte', ['a', 'b']]
  ]

  it.each(bounds)('the bound %s of iterator, keys and values', async (name, expected) => {
    const begin = await prepare()
    const level = begin()
    for (const reverse of [false, true]) {
      const iteratorBound = Buffer.from('b')
      const keysBound = Buffer.from('b')
      const valuesBound = Buffer.from('b')
      const iterator = level.iterator<Buffer, Buffer>({ [name]: iteratorBound, reverse, ...AS_BYTES })
      const keys = level.keys<Buffer>({ [name]: keysBound, reverse, ...KEY_AS_BYTES })
      const values = level.values<Buffer, Buffer>({ [name]: valuesBound, reverse, ...AS_BYTES })
      for (const bound of [iteratorBound, keysBound, valuesBound]) bound.fill('z')
      const inOrder = reverse ? expected.toReversed() : expected
      expect((await iterator.all()).map(([key, value]) => `${String(key)} ${String(value)}`)).toEqual(
        inOrder.map(key => `${key} ${key}`)
      )
      expect((await keys.all()).map(String)).toEqual(inOrder)
      expect((await values.all()).map(String)).toEqual(inOrder)
    }
  })

  it('the bounds of an iterator that is under way', async () => {
    const begin = await prepare()
    const bound = Buffer.from('b')
    const keys = begin().keys<Buffer>({ lte: bound, ...KEY_AS_BYTES })
    const first = await keys.next()
    bound.fill(' ')
    expect([first, await keys.next(), await keys.next()].map(key => key?.toString())).toEqual(['a', 'b', undefined])
    await keys.close()
  })
})
