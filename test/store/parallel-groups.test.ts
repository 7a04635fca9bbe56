import { describe, expect, it } from 'vitest'
import type { Gc } from '../../src/index.js'
import { storedMarker } from '../../src/store/marker-state.js'
import { Gate } from '../support/gate.js'
import { intercept, WRITES } from '../support/intercept.js'
import { memory, openStore } from '../support/memory-store.js'
import { noise } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'

const FIRST = Buffer.from('first')
const SECOND = Buffer.from('second')
/** Of 27 of them a group is full. */
const MANY_BYTES = noise(40_000)

/** What a store takes for LevelDB. */
function levelDb() {
  return Object.assign(memory(), { getProperty: () => '0' })
}

/** A store without a log whose backend passes for LevelDB, and holds each write at a gate of its own; the marker is there already. */
async function gatedStore(options: { overLevelDb?: boolean; marked?: boolean } = {}) {
  const { overLevelDb = true, marked = true } = options
  const { store, backend } = await openStore({}, overLevelDb ? levelDb() : memory())
  if (marked) await store.put('marked', FIRST)
  const gates: Gate[] = []
  intercept(backend, WRITES, async ({ proceed }) => {
    const gate = new Gate()
    gates.push(gate)
    await gate.wait()
    return proceed()
  })
  const putAll = (keys: readonly string[], value: Buffer = FIRST, sync = false) =>
    keys.map(key => store.put(key, value, { sync }))
  /** Until `writes` are done. */
  const openAll = async (writes: readonly Promise<unknown>[]) => {
    const done = track(Promise.all(writes))
    while (!done.settled) {
      for (const gate of gates) gate.open()
      await turns(1)
    }
    await Promise.all(writes)
  }
  return { store, backend, gates, putAll, openAll }
}

interface HeldWrite {
  readonly proceed: () => void
  readonly refuse: () => void
}

/** Keeps every value, once the gate is open. */
function sweptAt(gate: Gate): Gc {
  return {
    id: 'kept',
    process: async () => {
      await gate.wait()
      return { action: 'keep' }
    }
  }
}

const names = (count: number, prefix = 'k') => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('small groups of writes over LevelDB', () => {
  it('are written two at once', async () => {
    const { gates, putAll, openAll, store } = await gatedStore()
    const writes = putAll(names(40))
    await turns()
    expect(gates.length).toBe(2)
    const first = track(writes[0]!)
    gates[1]!.open()
    await Promise.all(writes.slice(20))
    expect(first.settled).toBe(false)
    await openAll(writes)
    expect((await store.keys().all()).length).toBe(41)
  })

  it.each([
    ['one that has too few writes', names(7, 'other'), false],
    ['one that has a key of the first', [...names(9, 'other'), 'k0'], false],
    ['one that is synced', names(10, 'other'), true]
  ])('%s waits for what is under way', async (_, keys, sync) => {
    const { gates, putAll, openAll, store } = await gatedStore()
    const writes = putAll(['k0'])
    await turns()
    writes.push(...putAll(keys, SECOND, sync))
    await turns()
    expect(gates.length).toBe(1)
    await openAll(writes)
    expect(gates.length).toBe(2)
    expect(await store.get(keys.at(-1)!)).toEqual(SECOND)
  })

  it.each([
    ['that are synced: one fsync serves all of them', names(40), true],
    ['of the same few keys', names(40).map((_, i) => `k${i % 4}`), false],
    ['too few for two groups', names(15), false]
  ])('a second group would only wait, so one has all writes %s', async (_, keys, sync) => {
    const { gates, putAll, openAll } = await gatedStore()
    await openAll(putAll(keys, FIRST, sync))
    expect(gates.length).toBe(1)
  })

  it('a group that was to be shared out and was not still keeps others of its keys waiting', async () => {
    const { gates, putAll, openAll, store } = await gatedStore()
    const writes = putAll([...names(20), 'k0', ...names(19, 'other')])
    await turns()
    writes.push(...putAll(names(10, 'other'), SECOND))
    await turns()
    expect(gates.length).toBe(1)
    await openAll(writes)
    expect(await store.get('other9')).toEqual(SECOND)
  })

  it('a third one waits', async () => {
    const { gates, putAll, openAll } = await gatedStore()
    const writes = putAll(names(72), MANY_BYTES)
    await turns()
    expect(gates.length).toBe(2)
    await openAll(writes)
  })

  it('a large one waits, and nothing is written beside it', async () => {
    const { gates, putAll, openAll } = await gatedStore()
    const writes = putAll(['k0'])
    await turns()
    writes.push(...putAll(names(300, 'large')))
    await turns()
    expect(gates.length).toBe(1)
    gates[0]!.open()
    await turns()
    writes.push(...putAll(names(20, 'small')))
    await turns()
    expect(gates.length).toBe(2)
    await openAll(writes)
  })

  it('clear() waits for both, and later writes for it', async () => {
    const { gates, putAll, openAll, store } = await gatedStore()
    const writes: Promise<unknown>[] = putAll(names(20))
    await turns()
    writes.push(store.clear(), ...putAll(['after']))
    gates[0]!.open()
    await turns()
    expect(await store.keys().all()).toContain('k0')
    await openAll(writes)
    expect(await store.keys().all()).toEqual(['after'])
  })

  it('the first of a database, which has the marker, is written alone', async () => {
    const { gates, putAll, openAll } = await gatedStore({ marked: false })
    const writes = putAll(names(40))
    await turns()
    expect(gates.length).toBe(1)
    await openAll(writes)
  })

  it('one write that the backend refuses fails alone, in whichever group it is', async () => {
    const { store, backend } = await openStore({}, levelDb())
    await store.put('marked', FIRST)
    intercept(backend, WRITES, async ({ args, proceed }) => {
      await turns(1)
      if (JSON.stringify(args).includes(JSON.stringify(Buffer.from('k11')))) throw new Error('refused')
      return proceed()
    })
    const outcomes = await Promise.allSettled(names(40).map(key => store.put(key, FIRST)))
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([11])
    expect((await store.keys().all()).length).toBe(40)
  })

  it('that are refused at once leave the newest marker', async () => {
    const { store, backend } = await openStore({}, levelDb())
    await store.put('marked', FIRST)
    const swept = new Gate()
    const stop = new AbortController()
    const sweep = store.gc.run({ policy: sweptAt(swept), signal: stop.signal })
    await swept.reached
    const held: HeldWrite[] = []
    const release = intercept(backend, WRITES, ({ proceed }) => {
      return new Promise((resolve, reject) => {
        held.push({ proceed: () => void proceed().then(resolve, reject), refuse: () => reject(new Error('refused')) })
      })
    })
    const writes = names(16).map(key => store.put(key, FIRST))
    await turns()
    const [first, second] = held.splice(0)
    stop.abort() // The marker will say where the sweep is.
    swept.open()
    await turns()
    first!.refuse()
    await turns()
    writes.push(store.put('expiring', FIRST, { ttl: 1000 })) // And now also that values expire.
    second!.refuse()
    await turns()
    while (held.length > 0) {
      held.pop()!.proceed() // The last comes first, as threads may do.
      await turns()
    }
    await Promise.all(writes)
    await sweep
    release()
    expect((await storedMarker(backend))?.ttlUsed).toBe(true)
  })
})

describe('over other backends groups are written one at a time', () => {
  it('those with few bytes', async () => {
    const { gates, putAll, openAll } = await gatedStore({ overLevelDb: false })
    const writes = putAll(names(40))
    await turns()
    expect(gates.length).toBe(1)
    await openAll(writes)
    expect(gates.length).toBe(1)
  })

  it('those that are full', async () => {
    const { gates, putAll, openAll } = await gatedStore({ overLevelDb: false })
    const writes = putAll(names(54), MANY_BYTES)
    await turns()
    expect(gates.length).toBe(1)
    await openAll(writes)
    expect(gates.length).toBe(2)
  })
})
