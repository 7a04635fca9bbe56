import { describe, expect, it } from 'vitest'
import { Gate } from '../support/gate.js'
import { intercept, WRITES } from '../support/intercept.js'
import { openStore } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { turns } from '../support/turns.js'

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
