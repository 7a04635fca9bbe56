import { describe, expect, it } from 'vitest'
import { Admission, MAX_FAILED_FLUSHES } from '../../../src/store/writing/admission.js'
import { failures } from '../../support/failures.js'
import { Gate } from '../../support/gate.js'
import { intercept, WRITES } from '../../support/intercept.js'
import { contents } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'
import { HeldCodec } from '../../support/user-codecs.js'
import {
  afterKill,
  BACKENDS,
  ENTRY_BYTES,
  holdWrites,
  keysIn,
  manyPuts,
  NEVER,
  openWriteBack
} from './write-back-store.js'

const VALUE = Buffer.from('value')
/** What an entry `k0` counts with that value. */
const WEIGHT = ENTRY_BYTES + 2 + VALUE.length

const small = (entries: number) => ({ memtable: { ...NEVER, maxBytes: entries * WEIGHT } })

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  it('writers wait when maxBytes are not in the backend yet, and go on when they are', async () => {
    const opened = await openWriteBack(small(2), backendOf())
    const { store, backend } = opened
    await store.put('k0', VALUE)
    const gate = holdWrites(backend)
    await store.put('k1', VALUE)
    const waiting = ['k2', 'k3'].map(key => store.put(key, VALUE))
    const states = waiting.map(track)
    await gate.reached
    await turns(20)
    expect(states.map(state => state.settled)).toEqual([false, false])
    expect(store.stats().writes.pending).toBe(2)
    expect(await store.keys().all()).toEqual(['k0', 'k1'])
    expect(await contents(await afterKill(opened))).toEqual([
      ['k0', 'value'],
      ['k1', 'value']
    ])
    gate.open()
    await Promise.all(waiting)
    expect(await store.keys().all()).toEqual(['k0', 'k1', 'k2', 'k3'])
  })

  it('they go on in their order: one that would have room does not overtake', async () => {
    const { store, backend } = await openWriteBack(small(3), backendOf())
    await store.put('k0', VALUE)
    const gate = holdWrites(backend)
    await store.put('k1', VALUE)
    const order: string[] = []
    const note = (name: string) => () => void order.push(name)
    const writes = [
      store.put('k2', text(300)).then(note('large')),
      store.put('k2', VALUE).then(note('small')),
      store.del('k2').then(note('del')),
      store.put('k2', Buffer.from('last')).then(note('last'))
    ]
    await gate.reached
    await turns(20)
    expect(order).toEqual([])
    gate.open()
    await Promise.all(writes)
    expect(order).toEqual(['large', 'small', 'del', 'last'])
    expect(await store.get('k2')).toEqual(Buffer.from('last'))
  })

  it('a value, and a batch, larger than maxBytes are let in alone', async () => {
    const { store, backend } = await openWriteBack(small(2), backendOf())
    await store.put('large', noise(5000))
    await store.put('after', VALUE)
    await store.batch(
      Array.from({ length: 20 }, (_unused, i) => ({ type: 'put' as const, key: `b${i}`, value: VALUE }))
    )
    const writes = [store.put('large', noise(3000)), store.put('huge', noise(100_000)), store.put('end', VALUE)]
    await Promise.all(writes)
    await store.flush()
    expect((await keysIn(backend)).length).toBe(24)
    expect((await store.get('large'))!.length).toBe(3000)
  })

  it.each([0, 1, 1000])('maxBytes %i, far below flushBytes, only makes writers wait', async maxBytes => {
    const { store } = await openWriteBack({ memtable: { ...NEVER, maxBytes } }, backendOf())
    for (let i = 0; i < 10; i++) await store.put(`k${i}`, VALUE)
    await store.clear({ gte: 'k8' })
    await Promise.all([
      ...manyPuts(store, 30),
      store.del('k0'),
      store.clear({ limit: 1 }),
      store.put('large', text(200_000))
    ])
    await store.clear({ lt: 'k2' })
    expect((await store.keys().all()).length).toBe(30 - 1 - 1 - 10 + 1)
  })

  it('an iterator may be written along, with next to no room', async () => {
    const { store } = await openWriteBack(small(1), backendOf())
    await Promise.all(manyPuts(store, 40))
    let seen = 0
    for await (const [key, value] of store.iterator()) {
      expect(value).toEqual(Buffer.from('v'))
      await store.put(key, VALUE)
      await store.put(`x${key}`, VALUE)
      seen++
    }
    expect(seen).toBe(40)
    expect((await store.keys().all()).length).toBe(80)
    for await (const key of store.keys()) await store.del(key)
    expect(await store.keys().all()).toEqual([])
  })

  it('clear, limited clear, flush and a snapshot clear while writers wait keep their places', async () => {
    const { store, backend } = await openWriteBack(small(2), backendOf())
    await store.put('s', VALUE)
    const snapshot = store.snapshot()
    const gate = holdWrites(backend)
    const writes = [
      ...manyPuts(store, 5),
      store.clear({ lt: 'k2' }),
      store.put('k1', Buffer.from('again')),
      store.clear({ limit: 1 }),
      store.clear({ snapshot }),
      store.put('k9', VALUE),
      store.flush(),
      store.put('after', VALUE)
    ]
    await gate.reached
    await turns(20)
    gate.open()
    await Promise.all(writes)
    await snapshot.close()
    expect(await store.keys().all()).toEqual(['after', 'k2', 'k3', 'k4', 'k9'])
    expect((await keysIn(backend)).includes('k9')).toBe(true)
  })

  it('close() while writers wait: they are done first', async () => {
    const { store, backend } = await openWriteBack(small(2), backendOf())
    const puts = manyPuts(store, 50)
    await store.close()
    await Promise.all(puts)
    expect((await keysIn(backend)).length).toBe(50)
  })
})

it('a thousand unawaited puts and deletes wait for their turn, and end as they were called', async () => {
  const { store, backend } = await openWriteBack(small(100))
  const puts = manyPuts(store, 1000)
  const deletes = Array.from({ length: 500 }, (_, i) => store.del(`k${i}`))
  await Promise.all([...puts, ...deletes])
  await store.flush()
  expect((await keysIn(backend)).length).toBe(500)
  expect(store.stats().writes).toMatchObject({ calls: 1500, pending: 0 })
})

it('what waits for a codec has its room already, and holds nobody up for ever', async () => {
  const codec = new HeldCodec()
  const { store } = await openWriteBack({ memtable: { ...NEVER, maxBytes: 3 * WEIGHT } })
  const held = store.put('held', text(2000), { codec })
  const writes = [store.put('held', VALUE), ...manyPuts(store, 10)]
  const state = track(Promise.all(writes))
  await turns(20)
  expect(state.settled).toBe(false)
  codec.open()
  await Promise.all([held, ...writes])
  expect(await store.get('held')).toEqual(VALUE)
})

it.each([undefined, 2 ** 40, Infinity])(
  'no more than 64 clears wait for the backend, with maxBytes %d',
  async maxBytes => {
    const { store, backend } = await openWriteBack({ memtable: { ...NEVER, maxBytes } })
    await Promise.all(manyPuts(store, 500))
    const gate = holdWrites(backend)
    const clears = Array.from({ length: 400 }, (_, i) => store.clear({ gte: `k${i}`, lte: `k${i}` }))
    await gate.reached
    await turns(20)
    expect(store.stats().memtable!.frozen).toBeLessThanOrEqual(64 + 1)
    gate.open()
    await Promise.all(clears)
    expect((await store.keys().all()).length).toBe(100)
  }
)

/** An admission with room for 1000 bytes, and what it tells those who enter. */
function door() {
  const admission = new Admission(1000, () => undefined)
  const told: string[] = []
  const enter = (name: string, weight: number, start = () => {}) => {
    const tell = (outcome: string) => () => void told.push(`${name} ${outcome}`)
    admission.enter(weight, weight, () => (tell('in')(), start()), tell('refused'))
  }
  return { admission, told, enter }
}

it('what weighs nothing, a flush or close() say, waits its turn also behind one call of more than 256 MiB', () => {
  const { admission, told, enter } = door()
  const huge = 257 * 1024 * 1024
  for (const [name, weight] of Object.entries({ first: 1, huge, flush: 0, small: 1, close: 0 })) enter(name, weight)
  expect(told).toEqual(['first in', 'small refused'])
  admission.leave(1)
  expect(told.slice(2)).toEqual(['huge in', 'flush in', 'close in'])
})

it('what the log refuses as soon as it is let in makes room for the next, and is let in once', () => {
  const { admission, told, enter } = door()
  const leave = () => admission.leave(1000)
  enter('first', 1000)
  for (const name of ['refused', 'refused too']) enter(name, 1000, leave)
  for (const name of ['next', 'last']) enter(name, 1000)
  leave()
  expect(told).toEqual(['first in', 'refused in', 'refused too in', 'next in'])
})

it('what was let in, or turned away, leaves others its place among the 256 MiB that may wait', () => {
  const { admission, told, enter } = door()
  const large = 200 * 1024 * 1024
  for (const [name, bytes] of Object.entries({ first: 1, large })) enter(name, bytes)
  admission.leave(1)
  for (const [name, bytes] of Object.entries({ 'large 2': large, small: 1 })) enter(name, bytes)
  expect(told).toEqual(['first in', 'large in'])
  admission.afterFailure({ error: new Error('failed'), times: MAX_FAILED_FLUSHES })
  for (const [name, bytes] of Object.entries({ 'large 3': large, last: 1 })) enter(name, bytes)
  expect(told.slice(2)).toEqual(['large 2 refused', 'small refused'])
})

it('what is refused with CKV_BUSY was neither counted, copied nor compressed before', async () => {
  const seen: string[] = []
  const codec = (key: Buffer) => {
    seen.push(key.toString())
    return 'none' as const
  }
  const { store, backend } = await openWriteBack({ ...small(1), codec, offThreadSize: Infinity })
  await store.put('k0', VALUE)
  const gate = holdWrites(backend)
  const value = Buffer.alloc(100 * 1024 * 1024)
  const waiting = ['a', 'b'].map(key => store.put(key, value))
  const batch = store.batch([{ type: 'put', key: 'd', value }])
  const del = store.del('e'.repeat(60 * 1024 * 1024))
  for (const failure of await failures([store.put('c', value), batch, del])) {
    expect(failure).toMatchObject({ code: 'CKV_BUSY' })
  }
  expect(store.stats().writes.calls).toBe(3)
  gate.open()
  await Promise.all(waiting)
  expect(new Set(seen)).toEqual(new Set(['k0', 'a', 'b']))
})

it('more than 256 MiB may not wait: CKV_BUSY for what comes then', async () => {
  const memtable = { ...small(1).memtable, flushIntervalMs: 3 }
  const { store, backend } = await openWriteBack({ memtable, codec: 'none', offThreadSize: Infinity })
  await store.put('k0', VALUE)
  await store.flush()
  const gate = new Gate()
  const enough = new Error('enough')
  intercept(backend, WRITES, async () => {
    await gate.wait()
    throw enough
  })
  await store.put('k0', VALUE)
  const value = Buffer.alloc(100 * 1024 * 1024)
  const waiting = [store.put('large', value), store.put('large', value)]
  const state = track(Promise.race(waiting))
  await expect(store.put('large', value)).rejects.toMatchObject({ code: 'CKV_BUSY' })
  const last = store.put('k1', VALUE)
  expect(state.settled).toBe(false)
  gate.open()
  for (const failure of await failures([...waiting, last])) {
    expect(failure).toMatchObject({ code: 'CKV_BUSY', cause: enough })
  }
  expect(await store.keys().all()).toEqual(['k0'])
})
