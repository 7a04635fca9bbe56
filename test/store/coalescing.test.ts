import { describe, expect, it, vi } from 'vitest'
import { Gate } from '../support/gate.js'
import { intercept, WRITES } from '../support/intercept.js'
import { openStore } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'

const SMALL = Buffer.from('small')

describe('unawaited writes become few backend calls', () => {
  it('a thousand puts of one tick are three', async () => {
    const { store } = await openStore()
    await Promise.all(Array.from({ length: 1000 }, (_, i) => store.put(`k${i}`, SMALL)))
    expect(store.stats().writes).toEqual({ calls: 1000, backendCalls: 3, pending: 0 })
    expect((await store.keys().all()).length).toBe(1000)
  })

  it('what comes while the backend is busy is taken together next', async () => {
    const { store, backend } = await openStore()
    const gate = new Gate()
    const restore = intercept(backend, WRITES, async ({ proceed }) => {
      await gate.wait()
      return proceed()
    })
    const writes = [store.put('first', SMALL)]
    await gate.reached
    restore()
    for (let i = 0; i < 300; i++) {
      writes.push(store.put(`k${i}`, SMALL))
      if (i % 100 === 0) await turns(1)
    }
    gate.open()
    await Promise.all(writes)
    expect(store.stats().writes).toEqual({ calls: 301, backendCalls: 2, pending: 0 })
  })

  it('one backend call carries a bounded number of operations and of bytes', async () => {
    const { store, backend } = await openStore({ codec: 'none' })
    const sizes: { operations: number; bytes: number }[] = []
    intercept(backend, WRITES, ({ args, proceed }) => {
      const operations = Array.isArray(args[0]) ? (args[0] as { value?: Buffer }[]) : [{ value: args[1] as Buffer }]
      sizes.push({
        operations: operations.length,
        bytes: operations.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      })
      return proceed()
    })
    const value = noise(10_000)
    await Promise.all(Array.from({ length: 500 }, (_, i) => store.put(`k${i}`, value)))
    await Promise.all(Array.from({ length: 5000 }, (_, i) => store.put(`s${i}`, SMALL)))
    for (const { operations, bytes } of sizes) {
      expect(operations).toBeLessThanOrEqual(1001)
      expect(bytes).toBeLessThanOrEqual(1.1 * 1024 * 1024)
    }
    expect(sizes.length).toBeLessThan(20)
  })
})

/** A store whose backend holds its first write at a gate, and fails it if told to. */
async function heldStore(failure?: Error) {
  const { store, backend } = await openStore()
  const gate = new Gate()
  const restore = intercept(backend, WRITES, async ({ proceed }) => {
    restore()
    await gate.wait()
    if (failure !== undefined) throw failure
    return proceed()
  })
  return { store, backend, gate }
}

describe('while the backend writes', () => {
  it('what comes next is handed to it', async () => {
    const { store, backend, gate } = await heldStore()
    const writes = ['a', 'b'].map(key => store.put(key, SMALL))
    await gate.reached
    const batch = vi.spyOn(backend, 'batch')
    writes.push(...['c', 'd'].map(key => store.put(key, SMALL)))
    expect(batch).toHaveBeenCalledOnce()
    gate.open()
    await Promise.all(writes)
    expect(await store.keys().all()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('those whose writes it has done hear of it', async () => {
    const { store, backend, gate } = await heldStore()
    const first = store.put('a', SMALL)
    await gate.reached
    const next = new Gate()
    intercept(backend, WRITES, async ({ proceed }) => {
      await next.wait()
      return proceed()
    })
    const second = store.put('b', SMALL)
    gate.open()
    await first
    expect(track(second).settled).toBe(false)
    next.open()
    await second
  })

  it('what it was handed comes after what it then refuses and is tried again', async () => {
    const { store, gate } = await heldStore(new Error('the disk is full'))
    const writes = ['a', 'b', 'c'].map(key => store.put(key, Buffer.from('first')))
    await gate.reached
    writes.push(...['b', 'c'].map(key => store.put(key, Buffer.from('second'))))
    gate.open()
    await Promise.all(writes)
    expect(await store.getMany(['a', 'b', 'c'])).toEqual(['first', 'second', 'second'].map(value => Buffer.from(value)))
  })

  it('a hook of it that writes to the store comes after what it is called for', async () => {
    const { store, backend, gate } = await heldStore()
    const writes = ['a', 'b'].map(key => store.put(key, SMALL))
    await gate.reached
    let calls = 0
    backend.hooks.prewrite.add(() => {
      if (calls++ === 0) writes.push(store.put('d', Buffer.from('by the hook')))
    })
    writes.push(...['c', 'd'].map(key => store.put(key, SMALL)))
    gate.open()
    await Promise.all(writes)
    expect(await store.get('d')).toEqual(Buffer.from('by the hook'))
    expect(await store.keys().all()).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('a batch', () => {
  it('reaches the backend whole, however large', async () => {
    const { store, backend } = await openStore({ codec: 'none' })
    const groups: number[] = []
    intercept(backend, WRITES, ({ args, proceed }) => {
      groups.push(Array.isArray(args[0]) ? args[0].length : 1)
      return proceed()
    })
    const operations = Array.from({ length: 3000 }, (_, i) => ({
      type: 'put' as const,
      key: `k${i}`,
      value: text(1000)
    }))
    await store.put('marker is written', SMALL)
    await store.batch(operations)
    expect(groups).toEqual([2, 3000])
  })

  it('of one operation, or of none, works', async () => {
    const { store } = await openStore()
    await store.batch([])
    await store.batch([{ type: 'put', key: 'k', value: SMALL }])
    await store.batch([{ type: 'del', key: 'missing' }])
    await store.batch().write()
    expect(await store.keys().all()).toEqual(['k'])
  })

  it('is refused as a whole for one operation that cannot be accepted', async () => {
    const { store, backend } = await openStore({ maxValueSize: 100 })
    const batch = store.batch([
      { type: 'put', key: 'good', value: SMALL },
      { type: 'put', key: 'bad', value: text(101) }
    ])
    await expect(batch).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
    expect(await backend.keys().all()).toEqual([])
  })
})

describe('sync', () => {
  it('asked for by one of the writes that go together is asked of the backend', async () => {
    const { store, backend } = await openStore()
    const synced: unknown[] = []
    intercept(backend, WRITES, ({ args, proceed }) => {
      synced.push((args.at(-1) as { sync?: boolean }).sync === true)
      return proceed()
    })
    await store.put('first, with the marker', SMALL)
    await Promise.all([store.put('a', SMALL), store.put('b', SMALL)])
    await Promise.all([store.put('a', SMALL), store.put('b', SMALL, { sync: true })])
    await store.put('a', SMALL, { sync: true })
    await store.del('a', { sync: true })
    await store.del('b')
    await store.batch([{ type: 'put', key: 'c', value: SMALL }], { sync: true })
    await store.batch().put('d', SMALL).write({ sync: true })
    expect(synced).toEqual([true, false, true, true, true, false, true, true])
  })
})
