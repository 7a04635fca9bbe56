import { describe, expect, it } from 'vitest'
import { Gate } from '../support/gate.js'
import { intercept, type Method } from '../support/intercept.js'
import { openStore, type Store } from '../support/memory-store.js'
import { turns } from '../support/turns.js'

const names = (count: number) => Array.from({ length: count }, (_, i) => `key ${i}`)
const valueOf = (name: string) => Buffer.from(`value of ${name}`)

async function filledStore(count: number) {
  const opened = await openStore()
  await opened.store.batch(names(count).map(key => ({ type: 'put', key, value: valueOf(key) })))
  return opened
}

/** A kind of lookup, and the methods of the backend by which one key is asked for, or many. */
interface Kind {
  readonly one: Method
  readonly many: Method
  readonly lookup: (store: Store) => (key: string) => Promise<unknown>
  readonly answer: (key: string) => unknown
}

const KINDS: Record<string, Kind> = {
  gets: { one: '_get', many: '_getMany', lookup: store => key => store.get(key), answer: valueOf },
  'gets from a snapshot': {
    one: '_get',
    many: '_getMany',
    lookup: store => {
      const snapshot = store.snapshot()
      return key => store.get(key, { snapshot })
    },
    answer: valueOf
  },
  'questions whether keys are there': {
    one: '_has',
    many: '_hasMany',
    lookup: store => key => store.has(key),
    answer: () => true
  }
}

describe.each(Object.entries(KINDS))('%s, made at one moment,', (_, { one, many, lookup, answer }) => {
  it('become few calls of the backend, of which at most eight are under way', async () => {
    const { store, backend } = await filledStore(1000)
    let calls = 0
    let underWay = 0
    let most = 0
    intercept(backend, ['_get', '_getMany', '_has', '_hasMany'], async ({ method, proceed }) => {
      expect([one, many]).toContain(method) // To ask whether a key is there, no value is read.
      calls++
      most = Math.max(most, ++underWay)
      await turns()
      underWay--
      return proceed()
    })
    expect(await Promise.all(names(1000).map(lookup(store)))).toEqual(names(1000).map(answer))
    expect(calls).toBeLessThan(30)
    expect(most).toBe(8)
  })

  it('fail one by one, where the backend can say which', async () => {
    const { store, backend } = await filledStore(100)
    const broken = new Error('a block is broken')
    intercept(backend, [many], () => Promise.reject(broken))
    intercept(backend, [one], ({ args, proceed }) => (String(args[0]) === 'key 3' ? Promise.reject(broken) : proceed()))
    const results = await Promise.allSettled(names(100).map(lookup(store)))
    expect(results.map(({ status }) => status)).toEqual(
      names(100).map(key => (key === 'key 3' ? 'rejected' : 'fulfilled'))
    )
    await store.close()
  })

  it('are answered before the store closes', async () => {
    const { store, backend } = await filledStore(1000)
    const gate = new Gate()
    intercept(backend, [one, many], async ({ proceed }) => {
      await gate.wait()
      return proceed()
    })
    const found = Promise.all(names(1000).map(lookup(store)))
    const closed = store.close()
    gate.open()
    expect(await found).toEqual(names(1000).map(answer))
    await closed
  })
})

describe('gets made at one moment', () => {
  it('fail alone where a value is damaged, and the store closes', async () => {
    const { store, backend } = await filledStore(10)
    await backend.put('key 3', Buffer.from('no envelope'))
    const outcomes = await Promise.allSettled(names(10).map(key => store.get(key)))
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(names(10).map((_, i) => i !== 3))
    expect(outcomes[3]).toMatchObject({ reason: { code: 'LEVEL_CORRUPTION' } })
    await store.close()
  })

  it('find what is there and not what is not', async () => {
    const { store } = await filledStore(10)
    const found = await Promise.all(['key 1', 'nothing', 'key 2', 'key 1'].map(key => store.get(key)))
    expect(found).toEqual([valueOf('key 1'), undefined, valueOf('key 2'), valueOf('key 1')])
  })

  it('that the backend refuses by throwing keep no store from closing', async () => {
    const { store, backend } = await filledStore(1)
    const broken = new Error('not today')
    backend.getSync = backend.get = () => {
      throw broken
    }
    await expect(store.get('key 0')).rejects.toBe(broken)
    await store.close()
    expect(store.status).toBe('closed')
  })

  it('with an option of the backend reach it with that option', async () => {
    const { store, backend } = await filledStore(3)
    const seen: unknown[] = []
    intercept(backend, ['_get'], ({ args, proceed }) => {
      seen.push((args[1] as { fillCache?: boolean }).fillCache)
      return proceed()
    })
    await Promise.all(names(3).map(key => store.get(key, { fillCache: false } as object)))
    expect(seen).toEqual([false, false, false])
  })
})

describe('gets from a snapshot, made at one moment', () => {
  it('become few calls of the backend, and find what was there when it was taken', async () => {
    const { store, backend } = await filledStore(1000)
    const snapshot = store.snapshot()
    await store.batch(names(1000).map(key => ({ type: 'put', key, value: Buffer.from('new') })))
    await store.put('key 1000', Buffer.from('new'))
    let calls = 0
    intercept(backend, ['_get', '_getMany'], async ({ proceed }) => {
      calls++
      await turns()
      return proceed()
    })
    const found = Promise.all(names(1001).map(key => store.get(key, { snapshot })))
    const closed = snapshot.close()
    expect(await found).toEqual([...names(1000).map(valueOf), undefined])
    expect(calls).toBeLessThan(30)
    await closed
  })
})

const asked = (store: Store, count: number) => Promise.all(names(count).map(key => store.has(key)))

describe('questions whether keys are there, asked at one moment', () => {
  it('become few calls of the backend, which return no values', async () => {
    const { store, backend } = await filledStore(900)
    const calls: string[] = []
    intercept(backend, ['_has', '_hasMany', '_get', '_getMany'], async ({ method, proceed }) => {
      calls.push(method)
      await turns()
      return proceed()
    })
    expect(await asked(store, 1000)).toEqual(names(1000).map((_, i) => i < 900))
    expect(calls.length).toBeLessThan(30)
    expect(calls.filter(method => method.startsWith('_get'))).toEqual([])
  })

  it('look at the values where some may have expired, also in few calls', async () => {
    const { store, backend } = await filledStore(900)
    await store.put('key 900', Buffer.alloc(10), { ttl: 1 })
    const end = Date.now() + 2
    while (Date.now() < end) await new Promise(resolve => setTimeout(resolve, 1))
    let calls = 0
    intercept(backend, ['_has', '_hasMany', '_get', '_getMany'], async ({ proceed }) => {
      calls++
      await turns()
      return proceed()
    })
    expect(await asked(store, 1000)).toEqual(names(1000).map((_, i) => i < 900))
    expect(calls).toBeLessThan(30)
  })

  it('may use the memory of their keys again', async () => {
    const { store } = await filledStore(100)
    const key = Buffer.alloc(6)
    const there = Array.from({ length: 100 }, (_, i) => {
      key.write(`key ${i}`.padEnd(6, 'x'))
      return store.has(key as never, { keyEncoding: 'buffer' })
    })
    expect(await Promise.all(there)).toEqual(names(100).map(name => name.length === 6))
  })
})
