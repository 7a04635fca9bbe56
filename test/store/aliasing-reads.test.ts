import { describe, expect, it, onTestFinished } from 'vitest'
import { intercept } from '../support/intercept.js'
import { memory, openStore, type Store } from '../support/memory-store.js'
import { RESERVED_PREFIX } from '../support/reserved.js'

const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const KEY_AS_BYTES = { keyEncoding: 'buffer' } as const

/** 'a', 'b' and 'c', each with its own name as the value. */
async function fill(level: Store): Promise<void> {
  for (const key of 'abc') await level.put(key, Buffer.from(key))
}

interface AnyIterator {
  seek(target: Buffer): void
  next(): Promise<unknown>
  close(): Promise<void>
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

  it('the target of a seek', async () => {
    const begin = await prepare()
    const target = Buffer.from('b')
    const level = begin()
    const iterators: AnyIterator[] = [
      level.iterator<Buffer, Buffer>(AS_BYTES),
      level.keys<Buffer>(KEY_AS_BYTES),
      level.values(AS_BYTES)
    ]
    for (const iterator of iterators) iterator.seek(target)
    target.fill('c')
    for (const iterator of iterators) {
      expect(String(await iterator.next())).toMatch(/^b/)
      await iterator.close()
    }
  })
})

describe('while the backend is at work', () => {
  it.each(['a snapshot', 'another option'])('the key of a get with %s', async option => {
    const { store, backend } = await openStore()
    await fill(store)
    const snapshot = store.snapshot()
    onTestFinished(() => snapshot.close())
    intercept(backend, ['_get'], async ({ proceed }) => {
      await Promise.resolve() // classic-level reads the key on another thread.
      return proceed()
    })
    const key = Buffer.from('a')
    const options = option === 'a snapshot' ? { snapshot } : { fillCache: false }
    const found = store.get(key, { ...AS_BYTES, ...options })
    key.fill('b')
    expect(String(await found)).toBe('a')
  })

  it('keys of several become those that the store keeps for itself, or were', async () => {
    const { store } = await openStore()
    await store.put('a long key', Buffer.from('v'))
    const reserved = Buffer.concat([RESERVED_PREFIX, Buffer.from('marker')])
    const reads: ((keys: Buffer[]) => Promise<unknown[]>)[] = [
      keys => store.getMany(keys as never[], KEY_AS_BYTES),
      keys => store.hasMany(keys as never[], KEY_AS_BYTES)
    ]
    for (const read of reads) {
      const keys = [Buffer.from('a long key'), Buffer.from(reserved)]
      const found = read(keys)
      keys[0]!.set(RESERVED_PREFIX)
      keys[1]!.fill('x')
      expect((await found).map(Boolean)).toEqual([true, false])
    }
  })

  it.each(['compactRange', 'approximateSize'] as const)('the keys of %s', async name => {
    const asked: string[] = []
    const call = async (...keys: Buffer[]): Promise<void> => void asked.push(...keys.slice(0, 2).map(String))
    const { store } = await openStore({}, Object.assign(memory(), { [name]: call }))
    const [start, end] = [Buffer.from('a'), Buffer.from('z')]
    const done = store[name](start as never, end as never, { keyEncoding: 'buffer' })
    for (const key of [start, end]) key.fill('x')
    await done
    expect(asked).toEqual(['a', 'z'])
  })
})
