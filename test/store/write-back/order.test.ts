import { describe, expect, it } from 'vitest'
import { contents } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'
import { HeldCodec } from '../../support/user-codecs.js'
import { afterKill, BACKENDS, keysIn, openWriteBack } from './write-back-store.js'

const BIG = text(100_000)
const SMALL = Buffer.from('small')

const lengths = (entries: [string, string][]) => entries.map(([key, { length }]) => [key, length])

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  const heldStore = async () => {
    const codec = new HeldCodec()
    return { codec, ...(await openWriteBack({ codec }, backendOf())) }
  }

  it('unawaited writes of one key end as they were called', async () => {
    const { store, codec } = await heldStore()
    const writes = [
      store.put('a', BIG),
      store.put('a', SMALL),
      store.put('b', BIG),
      store.del('b'),
      store.del('c'),
      store.put('c', BIG),
      store.put('d', text(70_000)),
      store.put('d', BIG)
    ]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(lengths(await contents(store))).toEqual([
      ['a', SMALL.length],
      ['c', BIG.length],
      ['d', BIG.length]
    ])
  })

  it('a value under compression delays no other key, and is not seen before its put could resolve', async () => {
    const { store, codec } = await heldStore()
    await store.put('k', SMALL)
    const big = store.put('k', BIG)
    const state = track(big)
    await store.put('other', SMALL)
    await store.del('another')
    await store.batch([{ type: 'put', key: 'third', value: SMALL }])
    expect(await store.keys().all()).toEqual(['k', 'other', 'third'])
    expect(await store.get('k')).toEqual(SMALL)
    expect(state.settled).toBe(false)
    codec.open()
    await big
    expect((await store.get('k'))!.equals(BIG)).toBe(true)
  })

  it('a batch waits for its pending keys, and later writes of its keys for it', async () => {
    const opened = await heldStore()
    const { store, codec } = opened
    const writes = [
      store.put('k', BIG),
      store.batch([
        { type: 'put', key: 'k', value: SMALL },
        { type: 'put', key: 'l', value: SMALL },
        { type: 'put', key: 'l', value: Buffer.from('later in the batch') }
      ]),
      store.put('l', Buffer.from('last'))
    ]
    const states = writes.map(track)
    await turns(20)
    expect(states.map(state => state.settled)).toEqual([false, false, false])
    expect(await store.keys().all()).toEqual([])
    codec.open()
    await Promise.all(writes)
    const expected = [
      ['k', 'small'],
      ['l', 'last']
    ]
    expect(await contents(store)).toEqual(expected)
    expect(await contents(await afterKill(opened))).toEqual(expected)
  })

  it('a clear removes what was put before it, also while it is compressed, and nothing put after it', async () => {
    const opened = await heldStore()
    const { store, codec, backend } = opened
    await store.put('flushed', SMALL)
    await store.flush()
    const writes = [
      store.put('k', BIG),
      store.put('gone', SMALL),
      store.clear(),
      store.put('k', SMALL),
      store.put('m', BIG)
    ]
    await turns()
    expect(await store.keys().all()).toEqual(['flushed', 'gone'])
    codec.open()
    await Promise.all(writes)
    expect(await store.keys().all()).toEqual(['k', 'm'])
    expect(await store.get('k')).toEqual(SMALL)
    expect(await (await afterKill(opened)).keys().all()).toEqual(['k', 'm'])
    await store.flush()
    expect(await keysIn(backend)).toEqual(['k', 'm'])
  })

  it('clears of ranges, limited or not, keep their places among pending values', async () => {
    const opened = await heldStore()
    const { store, codec } = opened
    const writes = [
      store.put('a', BIG),
      store.put('b', SMALL),
      store.clear({ gte: 'b' }),
      store.put('b', BIG),
      store.put('c', SMALL),
      store.clear({ lt: 'b' }),
      store.put('a', SMALL),
      store.put('d', BIG),
      store.clear({ limit: 1, reverse: true }),
      store.put('e', BIG),
      store.flush(),
      store.put('f', BIG)
    ]
    await turns()
    codec.open()
    await Promise.all(writes)
    const expected = [
      ['a', SMALL.length],
      ['b', BIG.length],
      ['c', SMALL.length],
      ['e', BIG.length],
      ['f', BIG.length]
    ]
    expect(lengths(await contents(store))).toEqual(expected)
    expect(lengths(await contents(await afterKill(opened)))).toEqual(expected)
  })

  it('through a sublevel the stored key counts', async () => {
    const { store, codec } = await heldStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sub.open()
    const writes = [sub.put('k', BIG), store.put('!sub!k', SMALL), sub.put('l', BIG), sub.clear({ gte: 'l' })]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await sub.get('k')).toEqual(SMALL)
    expect(await sub.keys().all()).toEqual(['k'])
  })
})

it('writes made before the store is open, and the first ones after, keep their order', async () => {
  for (const backendOf of Object.values(BACKENDS)) {
    const { store } = await openWriteBack({}, backendOf())
    const writes = [
      store.put('k', BIG),
      store.put('k', SMALL),
      store.put('l', SMALL),
      store.clear({ gte: 'l' }),
      store.del('m')
    ]
    await Promise.all([...writes, store.put('l', BIG), store.put('m', SMALL, { ttl: 100_000 }), store.put('m', BIG)])
    expect(lengths(await contents(store))).toEqual([
      ['k', SMALL.length],
      ['l', BIG.length],
      ['m', BIG.length]
    ])
    await store.close()
  }
})

it('what waits for a limited clear is logged in the order of the calls, to one key or several', async () => {
  const { store } = await openWriteBack()
  await store.batch(Array.from('xyz', key => ({ type: 'put' as const, key, value: SMALL })))
  const before = store.wal!.nextSequence
  const calls = Array.from('zazbcza')
  await Promise.all([store.clear({ limit: 1 }), ...calls.map(key => store.put(key, SMALL))])
  const logged: string[] = []
  for await (const { record } of store.wal!.read({ from: before })) logged.push(record.key.toString())
  expect(logged).toEqual(['x', ...calls])
})
