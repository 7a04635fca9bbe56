import { describe, expect, it } from 'vitest'
import { failures } from '../support/failures.js'
import { heldStore } from '../support/held-store.js'
import { text } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'

const BIG = text(100_000)
const SMALL = Buffer.from('small')

function refuse(): never {
  throw new Error('refused')
}

describe('unawaited writes of one key keep their call order', () => {
  it('a small value put after a large one wins', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', BIG), store.put('k', SMALL)]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('a delete after a large value wins', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', BIG), store.del('k')]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await store.get('k')).toBeUndefined()
  })

  it('a large value put after a delete wins', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', SMALL), store.del('k'), store.put('k', BIG)]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect((await store.get('k'))?.equals(BIG)).toBe(true)
  })

  it('a batch with a pending key waits for it, with all its keys', async () => {
    const { store, codec, backend } = await heldStore()
    const put = store.put('k', BIG)
    const batch = store.batch([
      { type: 'put', key: 'k', value: SMALL },
      { type: 'put', key: 'other', value: SMALL }
    ])
    const state = track(batch)
    await turns()
    expect(state.settled).toBe(false)
    expect(await backend.keys().all()).toEqual([])
    codec.open()
    await Promise.all([put, batch])
    expect(await store.getMany(['k', 'other'])).toEqual([SMALL, SMALL])
  })

  it('a put after a batch that waits for the key waits too', async () => {
    const { store, codec } = await heldStore()
    const writes = [
      store.batch([
        { type: 'put', key: 'held', value: BIG },
        { type: 'put', key: 'k', value: Buffer.from('batch') }
      ]),
      store.put('k', SMALL)
    ]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('the last operation of a batch on a key wins, large or small', async () => {
    const { store, codec } = await heldStore()
    const writes = [
      store.batch([
        { type: 'put', key: 'k', value: BIG },
        { type: 'put', key: 'k', value: SMALL },
        { type: 'put', key: 'l', value: SMALL },
        { type: 'put', key: 'l', value: BIG },
        { type: 'put', key: 'm', value: BIG },
        { type: 'del', key: 'm' }
      ])
    ]
    codec.open()
    await Promise.all(writes)
    expect(await store.get('k')).toEqual(SMALL)
    expect((await store.get('l'))?.equals(BIG)).toBe(true)
    expect(await store.get('m')).toBeUndefined()
  })

  it('two large values that are ready in the reverse order end as the second', async () => {
    const { store, codec } = await heldStore()
    const values = [text(2000), text(3000)]
    const writes = values.map(value => store.put('k', value))
    for (const call of codec.held.splice(0).toReversed()) {
      call.release()
      await turns()
    }
    codec.open()
    await Promise.all(writes)
    expect((await store.get('k'))?.length).toBe(3000)
  })
})

it('a put whose onStored throws leaves its key as the put before made it, and fails alone among those that waited with it', async () => {
  const { store, codec } = await heldStore()
  const first = store.put('k', BIG)
  const refused = failures(['k', 'l'].map(key => store.put(key, BIG, { onStored: refuse })))
  const later = store.put('l', SMALL)
  for (const call of codec.held.splice(0).toReversed()) {
    call.release()
    await turns()
  }
  await Promise.all([first, later])
  expect(await refused).toEqual([new Error('refused'), new Error('refused')])
  expect((await store.get('k'))?.equals(BIG)).toBe(true)
  expect(await store.get('l')).toEqual(SMALL)
})

describe('clear', () => {
  it('waits for the puts before it', async () => {
    const { store, codec } = await heldStore()
    const put = store.put('k', BIG)
    const clear = store.clear()
    const state = track(clear)
    await turns()
    expect(state.settled).toBe(false)
    codec.open()
    await Promise.all([put, clear])
    expect(await store.keys().all()).toEqual([])
  })

  it('leaves the puts after it, of a key that it clears and of others', async () => {
    const { store, codec } = await heldStore()
    const writes = [store.put('k', BIG), store.clear(), store.put('k', SMALL), store.put('l', BIG)]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await store.keys().all()).toEqual(['k', 'l'])
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('that still waits holds back the puts after it, though some before it are done', async () => {
    const { store, codec } = await heldStore()
    const done = store.put('k', text(2000))
    const writes = [store.put('l', BIG), store.clear()]
    codec.held[0]!.release()
    await done
    writes.push(store.put('k', SMALL))
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await store.keys().all()).toEqual(['k'])
  })

  it('keeps its place among others', async () => {
    const { store, codec } = await heldStore()
    const writes = [
      store.put('a', BIG),
      store.put('b', SMALL),
      store.clear({ gte: 'b' }),
      store.put('b', BIG),
      store.put('c', SMALL),
      store.clear({ lt: 'b' }),
      store.put('a', SMALL)
    ]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await store.keys().all()).toEqual(['a', 'b', 'c'])
    expect(await store.get('a')).toEqual(SMALL)
    expect((await store.get('b'))?.equals(BIG)).toBe(true)
  })

  it('of a range, and of a sublevel, is ordered as well', async () => {
    const { store, codec } = await heldStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sub.open()
    const writes = [sub.put('k', BIG), sub.clear(), sub.put('l', SMALL)]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await sub.keys().all()).toEqual(['l'])
  })
})

describe('through a sublevel', () => {
  it('writes of the same stored key keep their order', async () => {
    const { store, codec } = await heldStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sub.open()
    const writes = [sub.put('k', BIG), store.put('!sub!k', SMALL)]
    await turns()
    codec.open()
    await Promise.all(writes)
    expect(await sub.get('k')).toEqual(SMALL)
  })
})
