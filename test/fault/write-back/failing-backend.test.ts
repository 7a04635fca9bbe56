import { describe, expect, it } from 'vitest'
import { isReserved } from '../../../src/store/backend/reserved-keys.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { contents, type Store } from '../../support/logged-store.js'
import { turns } from '../../support/turns.js'
import { LAZY, type Machine, MemoryMachine, PermanentMachine } from './machine.js'

const broken = new Error('the backend fails')
const SMALL = Buffer.from('small')
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ type: 'put' as const, key: `k${1000 + i}`, value: SMALL }))

const machines: Record<string, () => Machine> = {
  'a backend that keeps what it gets': () => new PermanentMachine(),
  'memory-level': () => new MemoryMachine()
}

/** The call with that number among those that write is rejected, once. */
function refuseCall(store: Store, number: number): void {
  let calls = 0
  intercept(store.backend, [...WRITES, '_clear'], ({ proceed }) =>
    ++calls === number ? Promise.reject(broken) : proceed()
  )
}

/** After a power cut that loses whatever was not synced, or after a kill. */
async function keysAfter(machine: Machine): Promise<string[]> {
  const store = await machine.open()
  const keys = await store.keys().all()
  await store.close()
  return keys
}

describe.each(Object.entries(machines))('over %s', (_, make) => {
  it('a chunk that is rejected in the middle of a table loses nothing, and a later flush succeeds', async () => {
    const machine = make()
    const store = await machine.open({ memtable: LAZY })
    await store.put('a', SMALL)
    await store.flush()
    await store.batch([{ type: 'del', key: 'a' }, ...many(2500)])
    refuseCall(store, 2)
    await expect(store.flush()).rejects.toBe(broken)
    await store.del('k1001')
    const expected = many(2500).flatMap(({ key }) => (key === 'k1001' ? [] : [key]))
    expect(await store.keys().all()).toEqual(expected)
    expect(await keysAfter(machine.afterKill())).toEqual(expected)
    // The flush had synced the log before: only the last del may be lost.
    const cut = await keysAfter(machine.afterPowerCut({ log: 'none', backend: 'all', seed: 0 }))
    expect(cut.filter(key => key !== 'k1001')).toEqual(expected)
    await store.flush()
    expect(store.stats().memtable!.entries).toBe(0)
    expect(await keysAfter(machine.afterPowerCut({ log: 'none', backend: 'none', seed: 0 }))).toEqual(expected)
    await store.close()
    expect(await keysAfter(machine.afterKill())).toEqual(expected)
  })

  it('a part of a deleted range that is rejected loses nothing, and what comes later is not deleted', async () => {
    const machine = make()
    const store = await machine.open({ memtable: LAZY })
    await store.batch([{ type: 'put', key: 'a', value: SMALL }, ...many(2500)])
    await store.flush()
    await store.clear({ gte: 'k' })
    refuseCall(store, 2)
    await expect(store.flush()).rejects.toBe(broken)
    await store.put('k1500', SMALL)
    expect(await store.keys().all()).toEqual(['a', 'k1500'])
    expect(await keysAfter(machine.afterKill())).toEqual(['a', 'k1500'])
    await store.flush()
    expect(await keysAfter(machine.afterPowerCut({ log: 'none', backend: 'none', seed: 0 }))).toEqual(['a', 'k1500'])
    await store.close()
    expect(await keysAfter(machine.afterKill())).toEqual(['a', 'k1500'])
  })

  it('rejecting for a while, with the tables full: who waits is told, the rest is kept, and it goes on', async () => {
    const machine = make()
    const store = await machine.open({ memtable: { flushBytes: 500, maxBytes: 2000, flushIntervalMs: 5 } })
    const kept: string[] = []
    const putSome = async (from: number) => {
      const puts = Array.from({ length: 12 }, async (__, i) => {
        const key = `p${100 + from + i}`
        await store.put(key, Buffer.alloc(300, key))
        kept.push(key)
      })
      return (await Promise.allSettled(puts)).filter(({ status }) => status === 'rejected').length
    }
    expect(await putSome(0)).toBe(0)
    await store.flush()
    const repair = failing(store.backend, [...WRITES, '_clear'], broken)
    expect(await putSome(20)).toBeGreaterThan(0)
    // Who had to wait for room may be told after who came later.
    const inOrder = () => kept.toSorted()
    expect((await contents(store)).map(([key]) => key)).toEqual(inOrder())
    expect(await keysAfter(machine.afterKill())).toEqual(inOrder())
    await expect(store.flush()).rejects.toThrow(Error)
    repair()
    expect(await putSome(40)).toBeLessThan(12)
    await store.flush()
    expect(await putSome(60)).toBe(0)
    expect(await store.keys().all()).toEqual(inOrder())
    await store.close()
    expect(await keysAfter(machine.afterKill())).toEqual(inOrder())
  })

  it('closed by its user under the store, it takes nothing more, and the next opening has what was acknowledged', async () => {
    const machine = make()
    const store = await machine.open()
    await store.batch(many(30))
    await store.flush()
    await store.del('k1003')
    await store.put('z', SMALL)
    await store.backend.close()
    const late = await store.put('late', SMALL).then(
      () => ['late'],
      () => []
    )
    await turns(20)
    await store.close()
    const expected = [...many(30).flatMap(({ key }) => (key === 'k1003' ? [] : [key])), ...late, 'z']
    expect(await keysAfter(machine.afterKill())).toEqual(expected)
    expect(await keysAfter(machine)).toEqual(expected)
  })

  it('refusing the last flush, but no marker: close leaves in the log what the backend lacks', async () => {
    const machine = make()
    const store = await machine.open({ memtable: LAZY })
    await store.put('a', SMALL)
    await store.flush()
    await store.put('b', SMALL)
    await store.del('a')
    intercept(store.backend, ['_batch'], ({ args, proceed }) =>
      (args[0] as { key: Buffer }[]).every(({ key }) => isReserved(key)) ? proceed() : Promise.reject(broken)
    )
    await store.close()
    expect(await keysAfter(machine)).toEqual(['b'])
  })

  it('failing for good: close resolves, and the next opening has what was acknowledged', async () => {
    const machine = make()
    const store = await machine.open()
    await store.put('a', SMALL)
    await store.flush()
    failing(store.backend, [...WRITES, '_clear'], broken)
    await store.batch(many(5))
    await store.clear({ gte: 'k1003' })
    await store.put('b', SMALL)
    await turns(20)
    await store.close()
    expect(store.status).toBe('closed')
    expect(await keysAfter(machine)).toEqual(['a', 'b', 'k1000', 'k1001', 'k1002'])
  })
})
