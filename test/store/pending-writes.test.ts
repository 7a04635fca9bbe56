import { describe, expect, it } from 'vitest'
import { heldStore } from '../support/held-store.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'

const BIG = text(100_000)
const SMALL = Buffer.from('small')

describe('a large value being compressed', () => {
  it('delays no other key', async () => {
    const { store, codec } = await heldStore()
    const big = store.put('big', BIG)
    const state = track(big)
    await store.put('other', SMALL)
    await store.del('another')
    await store.batch([{ type: 'put', key: 'third', value: SMALL }])
    expect(await store.get('other')).toEqual(SMALL)
    expect(state.settled).toBe(false)
    codec.open()
    await big
  })

  it('is seen by no reader before its put could resolve', async () => {
    const { store, codec } = await heldStore()
    await store.put('k', SMALL)
    const big = store.put('k', BIG)
    await turns()
    expect(await store.get('k')).toEqual(SMALL)
    codec.open()
    await big
    expect((await store.get('k'))?.length).toBe(BIG.length)
  })

  it('is counted as pending', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', BIG), store.put('k', SMALL), store.flush()]
    await turns()
    expect(store.stats().writes.pending).toBe(3)
    codec.open()
    await Promise.all(writes)
    expect(store.stats().writes.pending).toBe(0)
  })
})

describe('a long chain behind a held write', () => {
  const LENGTH = 20_000

  it('of one key neither overflows the stack nor loses its order', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', BIG)]
    for (let i = 0; i < LENGTH; i++) writes.push(store.put('k', Buffer.from(String(i))))
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(String(await store.get('k'))).toBe(String(LENGTH - 1))
  })

  it('of many keys is released as a whole', async () => {
    const { store, codec } = await heldStore()
    const first = Array.from({ length: 100 }, (_, i) => ({ type: 'put' as const, key: `k${i}`, value: SMALL }))
    const writes = [store.batch([...first, { type: 'put', key: 'big', value: BIG }])]
    for (let i = 0; i < LENGTH; i++) writes.push(store.put(`k${i % 100}`, Buffer.from(String(i))))
    codec.open()
    await Promise.all(writes)
    const values = await store.getMany(first.map(({ key }) => key))
    expect(values.map(String)).toEqual(first.map((_, i) => String(LENGTH - 100 + i)))
  })

  it('with a flush after every put takes memory in proportion', async () => {
    const { store, codec } = await heldStore()
    const before = process.memoryUsage().heapUsed
    const writes = [store.put('k', BIG)]
    for (let i = 0; i < 3000; i++) writes.push(store.put('k', SMALL), store.flush())
    const taken = process.memoryUsage().heapUsed - before
    codec.open()
    await Promise.all(writes)
    expect(await store.get('k')).toEqual(SMALL)
    expect(taken).toBeLessThan(50 * 1024 * 1024)
  })
})

describe('flush and close', () => {
  it('flush waits for all writes accepted before it and for none after', async () => {
    const { store, codec } = await heldStore()
    const before = store.put('before', BIG)
    const flush = store.flush()
    const after = store.put('after', BIG)
    const state = track(flush)
    await turns()
    expect(state.settled).toBe(false)
    codec.held.shift()!.release()
    await flush
    expect((await store.get('before'))?.length).toBe(BIG.length)
    expect(await store.has('after')).toBe(false)
    codec.open()
    await Promise.all([before, after])
  })

  it('flush of an idle store resolves', async () => {
    const { store } = await heldStore()
    await store.flush()
    await store.put('k', SMALL)
    await store.flush()
    expect(store.stats().writes.backendCalls).toBe(1)
  })

  it('close waits for a put that nobody awaited, and it is there after reopening', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('big', BIG), store.put('big2', BIG), store.put('small', SMALL)]
    const close = store.close()
    const state = track(close)
    await turns()
    expect(state.settled).toBe(false)
    codec.open()
    await close
    expect(await Promise.all(writes)).toEqual([undefined, undefined, undefined])
    await store.open()
    expect(await store.keys().all()).toEqual(['big', 'big2', 'small'])
    expect((await store.get('big'))?.equals(BIG)).toBe(true)
  })

  it('close waits for a clear that nobody awaited', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', BIG), store.clear(), store.put('l', SMALL)]
    const close = store.close()
    codec.open()
    await Promise.all([...writes, close])
    await store.open()
    expect(await store.keys().all()).toEqual(['l'])
  })

  it('close waits for a chained batch that nobody awaited', async () => {
    const { store, codec } = await heldStore()
    const write = store.batch().put('k', BIG).put('l', SMALL).write()
    const close = store.close()
    await turns()
    codec.open()
    await Promise.all([write, close])
    await store.open()
    expect(await store.keys().all()).toEqual(['k', 'l'])
  })
})

it('close() waits for writes to a sublevel that was just made', async () => {
  const { store, backend } = await openStore()
  const put = store.sublevel('s').put('k', 'v')
  await store.close()
  await put
  await backend.open()
  expect(await backend.keys().all()).toContain('!s!k')
})
