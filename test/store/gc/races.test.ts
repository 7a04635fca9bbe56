import { describe, expect, it } from 'vitest'
import { type Gc, type GcDecision, Lz4Gc, type StoredValue } from '../../../src/index.js'
import { Gate } from '../../support/gate.js'
import {
  type Backend,
  bareEntries,
  Counted,
  dropping,
  filled,
  type Mode,
  MODES,
  openAfterKill,
  openMode
} from '../../support/gc-store.js'
import { intercept } from '../../support/intercept.js'
import { contents, memoryLevel, type Store, type StoreOptions } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
import { rejectedCode } from '../../support/thrown-code.js'
import { turns } from '../../support/turns.js'

const OLD = text(3000)
const NEW = Buffer.from('new')
const LARGE_NOISE = noise(10_000)
const LARGE_TEXT = text(10_000)
const KEYS = ['a', 'b', 'c', 'd', 'e']

/** Writes that reach 'b', and what the store has afterwards. */
const writes: Record<string, { act: (store: Store) => Promise<void>; left: [string, Buffer][] }> = {
  'an overwrite': { act: store => store.put('b', NEW), left: with_({ b: NEW }) },
  'a large overwrite': { act: store => store.put('b', LARGE_NOISE), left: with_({ b: LARGE_NOISE }) },
  'a synced overwrite': { act: store => store.put('b', NEW, { sync: true }), left: with_({ b: NEW }) },
  'a deletion': { act: store => store.del('b'), left: with_({ b: undefined }) },
  'a batch': {
    act: store =>
      store.batch([
        { type: 'put', key: 'b', value: NEW },
        { type: 'del', key: 'd' },
        { type: 'put', key: 'f', value: LARGE_TEXT }
      ]),
    left: with_({ b: NEW, d: undefined, f: LARGE_TEXT })
  },
  'a clear': { act: store => store.clear(), left: [] },
  'a clear of a range': {
    act: store => store.clear({ gte: 'b', lt: 'd' }),
    left: with_({ b: undefined, c: undefined })
  },
  'a limited clear': { act: store => store.clear({ limit: 2 }), left: with_({ a: undefined, b: undefined }) },
  'a limited clear from the end': {
    act: store => store.clear({ limit: 4, reverse: true }),
    left: with_({ b: undefined, c: undefined, d: undefined, e: undefined })
  },
  'a clear and a put behind it': {
    act: async store => {
      const clearing = store.clear()
      await Promise.all([clearing, store.put('b', NEW)])
    },
    left: [['b', NEW]]
  },
  'a put behind a large one': {
    act: async store => {
      const large = store.put('b', text(20_000))
      await Promise.all([large, store.put('b', NEW)])
    },
    left: with_({ b: NEW })
  }
}

function with_(changes: Record<string, Buffer | undefined>): [string, Buffer][] {
  const all: Record<string, Buffer | undefined> = { ...Object.fromEntries(KEYS.map(key => [key, OLD])), ...changes }
  return Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))
}

/** When, of a sweep, the write comes. The sweep's policy waits for `held`. */
const MOMENTS = [
  'before the chunk is read',
  'while the chunk is read',
  'while the policy works',
  'in the turn in which the policy answers',
  'in the tick of the rewrite',
  'while the rewrite is written',
  'when the rewrite has been written'
] as const
type Moment = (typeof MOMENTS)[number]

const POLICIES: Record<string, (value: StoredValue) => GcDecision | Promise<GcDecision>> = {
  recompressing: value => new Lz4Gc().process(value),
  // What is new there it would keep.
  dropping: ({ key, rawLength }) => ({ action: key.toString() === 'b' && rawLength === OLD.length ? 'drop' : 'keep' })
}

/** Sweeps, and writes at that moment; resolves when both are done. */
async function raced(store: Store, backend: Backend, moment: Moment, process: Gc['process'], act: () => Promise<void>) {
  let writing: Promise<void> | undefined
  // Not awaited: in the modes without a table it cannot end before what it waits for.
  const write = () => void (writing ??= act())
  const answered = new Gate()
  if (moment === 'while the rewrite is written' || moment === 'when the rewrite has been written') {
    const restore = intercept(backend, ['_put', '_del', '_batch'], async ({ proceed }) => {
      restore()
      if (moment === 'while the rewrite is written') {
        write()
        await turns(3)
        return proceed()
      }
      const result = await proceed()
      write()
      return result
    })
  }
  if (moment === 'while the chunk is read') {
    const restore = intercept(backend, ['_iterator'], ({ proceed }) => {
      restore()
      write()
      return proceed()
    })
  }
  const policy: Gc = {
    process: async value => {
      if (value.key.toString() !== 'b') return process(value)
      if (moment === 'while the policy works') {
        write()
        await turns(3)
      }
      const decision = await process(value)
      if (moment === 'in the turn in which the policy answers') write()
      if (moment === 'in the tick of the rewrite') {
        answered.open()
        void answered.wait().then(() => globalThis.process.nextTick(write))
      }
      return decision
    }
  }
  const sweeping = store.gc.run({ policy })
  if (moment === 'before the chunk is read') write()
  const report = await sweeping
  await writing
  expect(writing, `It was not written ${moment}`).toBeDefined()
  return report
}

async function prepared(mode: Mode, backend: Backend, options: StoreOptions = {}) {
  const opened = await openMode(mode, backend, { offThreadSize: 8000, ...options })
  for (const key of KEYS) await opened.store.put(key, OLD, { codec: 'none' })
  await opened.store.flush()
  if (options.cacheBytes) for (const key of KEYS) await opened.store.get(key)
  return opened
}

async function valuesIn(store: Store): Promise<[string, Buffer][]> {
  const seen = await store.iterator().all()
  const got = await Promise.all(seen.map(async ([key]) => [key, await store.get(key)] as [string, Buffer]))
  expect(got.map(([key, value]) => [key, value.length])).toEqual(seen.map(([key, value]) => [key, value.length]))
  return seen
}

const same = (found: [string, Buffer][], expected: [string, Buffer][]) =>
  found.length === expected.length &&
  found.every(([key, value], i) => key === expected[i]![0] && value.equals(expected[i]![1]))

const BACKENDS: [string, () => Backend][] = [
  ['a permanent backend', () => new PermanentMemoryLevel()],
  ['memory-level', memoryLevel]
]

describe.each(MODES)('a %s store', mode => {
  it.each(MOMENTS)('a write %s of a sweep wins', async moment => {
    for (const [policyName, process] of Object.entries(POLICIES)) {
      // With a table a deletion goes to the log, not to the backend.
      if (policyName === 'dropping' && mode === 'write-back' && moment.includes('rewrite')) continue
      for (const [i, [name, { act, left }]] of Object.entries(writes).entries()) {
        if (policyName === 'dropping' && (i + MOMENTS.indexOf(moment)) % 3 > 0) continue
        const [backendName, make] = BACKENDS[(i + MOMENTS.indexOf(moment)) % 2]!
        const at = `${name}, ${policyName}, over ${backendName}`
        const opened = await prepared(mode, make(), i % 3 === 0 ? { cacheBytes: 1 << 20 } : {})
        const { store, backend } = opened
        await raced(store, backend, moment, process, () => act(store))
        // A sweep may have dropped 'b' before the write came: a limit counts others then.
        const found = await valuesIn(store)
        const alsoRight = policyName === 'dropping' ? droppedFirst(name, left) : left
        expect(same(found, left) || same(found, alsoRight), `${at}: ${shown(found)}`).toBe(true)
        await store.flush()
        expect(same(await valuesIn(store), found), `${at}, flushed`).toBe(true)
        const isKept = i % 3 === 0 && (mode !== 'write-through' || backend instanceof PermanentMemoryLevel)
        const after = isKept ? await openAfterKill(opened) : opened
        expect(shown(await valuesIn(after.store)), `${at}, after a kill`).toBe(shown(found))
        await after.store.close()
        await store.close()
      }
    }
  })

  it.each(Object.entries(writes))('%s that the backend has while the policy works wins', async (_, { act, left }) => {
    const { store, backend } = await prepared(mode, new PermanentMemoryLevel())
    const policy: Gc = {
      process: async value => {
        if (value.key.toString() === 'b') {
          await act(store)
          await store.flush()
        }
        return new Lz4Gc().process(value)
      }
    }
    await store.gc.run({ policy })
    expect(shown(await valuesIn(store))).toBe(shown(left))
    expect((await bareEntries(backend)).length).toBe(left.length)
    await store.close()
  })

  it('a put of a key that was being compressed when the sweep began wins', async () => {
    const { store, backend } = await prepared(mode, new PermanentMemoryLevel())
    const gate = new Gate()
    const policy: Gc = {
      process: async value => {
        await gate.wait()
        return new Lz4Gc().process(value)
      }
    }
    const large = noise(100_000)
    const putting = store.put('c', large, { codec: 'zstd' })
    const sweeping = store.gc.run({ policy })
    await gate.reached
    const second = store.put('d', text(100_000), { codec: 'zstd' })
    gate.open()
    await Promise.all([putting, second, sweeping])
    await store.flush()
    expect((await store.get('c'))!.equals(large)).toBe(true)
    expect((await store.get('d'))!.equals(text(100_000))).toBe(true)
    expect((await bareEntries(backend)).length).toBe(5)
    await store.close()
  })

  it('a put that fails meanwhile leaves the old value, whole', async () => {
    const opened = await prepared(mode, new PermanentMemoryLevel())
    const { store } = opened
    const codes: unknown[] = []
    const policy: Gc = {
      process: async value => {
        if (value.key.toString() === 'b') {
          const refused = { codec: 'no codec' as never }
          codes.push(
            await rejectedCode(store.put('b', NEW, refused)),
            await rejectedCode(store.put('b', NEW, { ttl: -1 }))
          )
        }
        return new Lz4Gc().process(value)
      }
    }
    expect(await store.gc.run({ policy })).toMatchObject({ scanned: 5, failed: 0 })
    expect(codes).toEqual(['CKV_INVALID_OPTION', 'CKV_INVALID_OPTION'])
    expect(same(await valuesIn(store), with_({}))).toBe(true)
    const after = await openAfterKill(opened)
    expect(same(await valuesIn(after.store), with_({}))).toBe(true)
    await Promise.all([store.close(), after.store.close()])
  })

  it('what expires while it is looked at, and is put again, is there', async () => {
    const { store, backend } = await openMode(mode)
    await store.put('b', OLD, { ttl: 1 })
    await store.put('c', OLD, { ttl: 1 })
    await store.flush()
    while (await store.has('c')) await new Promise(resolve => setTimeout(resolve, 1))
    const restore = intercept(backend, ['_del', '_batch', '_put'], async ({ proceed }) => {
      restore()
      const putting = store.put('b', NEW)
      await turns(3)
      const result = await proceed()
      await turns(1)
      void putting
      return result
    })
    await store.gc.run()
    await store.flush()
    expect(await contents(store)).toEqual([['b', 'new']])
    await store.close()
  })

  it('writes of every key during sweeps leave what was written last', async () => {
    const { store } = await openMode(mode, undefined, { cacheBytes: 1 << 20 })
    const expected = new Map<string, Buffer>()
    const policy = new Counted()
    for (let round = 0; round < 8; round++) {
      const sweeping = store.gc.run({ policy, force: round % 3 === 0 })
      const puts: Promise<void>[] = []
      for (let i = 0; i < 40; i++) {
        const key = `k${(i * 7 + round) % 60}`
        const value = i % 3 ? text(100 + round * 10 + i) : noise(200, round * 100 + i + 1)
        if (i % 11 === 10) expected.delete(key)
        else expected.set(key, value)
        puts.push(i % 11 === 10 ? store.del(key) : store.put(key, value))
        if (i % 8 === 0) await turns(1)
      }
      await Promise.all([...puts, round % 2 ? store.flush() : undefined, sweeping])
    }
    await store.gc.run({ policy })
    const wanted = [...expected].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(same(await valuesIn(store), wanted)).toBe(true)
    await store.close()
  })
})

/** What is left where the sweep deleted 'b' before the write came. */
function droppedFirst(name: string, left: [string, Buffer][]): [string, Buffer][] {
  if (name === 'a limited clear') return with_({ a: undefined, b: undefined, c: undefined })
  if (name === 'a limited clear from the end') return []
  return left
}

function shown(entries: [string, Buffer][]): string {
  return entries.map(([key, value]) => `${key}:${value.length}`).join(' ')
}

describe.each(BACKENDS)('what a policy drops, over %s', (_, make) => {
  it.each(['write-back', 'logged'] as const)('is gone after a crash of a %s store as well', async mode => {
    const opened = await prepared(mode, make(), { cacheBytes: 1 << 20 })
    const { store } = opened
    expect(await store.gc.run({ policy: dropping('b') })).toMatchObject({ dropped: 1, scanned: 5 })
    expect(await store.get('b')).toBeUndefined()
    expect(store.getSync('b')).toBeUndefined()
    expect(await store.keys().all()).toEqual(['a', 'c', 'd', 'e'])
    await store.sync()
    const after = await openAfterKill(opened)
    expect(await after.store.keys().all()).toEqual(['a', 'c', 'd', 'e'])
    await after.store.put('b', NEW)
    expect(await after.store.get('b')).toEqual(NEW)
    await Promise.all([store.close(), after.store.close()])
  })
})

it('a plain value that is dropped is gone, and counts as dropped', async () => {
  for (const mode of MODES) {
    const backend = await filled(KEYS.map(key => [key, OLD]))
    const { store } = await openMode(mode, backend)
    await store.put('new', NEW)
    await store.flush()
    expect(await store.gc.run({ policy: dropping('b') })).toMatchObject({ dropped: 1, enveloped: 4, complete: true })
    expect(await store.keys().all()).toEqual(['a', 'c', 'd', 'e', 'new'])
    await store.close()
  }
})

it.each(MODES)('what is read while a policy drops it is gone from the cache of a %s store as well', async mode => {
  const { store, backend } = await openMode(mode, undefined, { cacheBytes: 1 << 20 })
  await store.put('k', text(100))
  await store.flush()
  const gate = new Gate()
  intercept(backend, ['_batch'], async ({ proceed }) => {
    await gate.wait()
    return proceed()
  })
  const sweep = store.gc.run({ policy: { process: () => ({ action: 'drop' }) } })
  if (mode !== 'write-back') await gate.reached
  await store.get('k')
  gate.open()
  expect(await sweep).toMatchObject({ dropped: 1 })
  expect(await store.get('k')).toBeUndefined()
  expect(store.getSync('k')).toBeUndefined()
  await store.close()
})

it.each(['logged', 'write-through'] as const)(
  'what a policy drops is gone from the cache of a %s store even if the backend deletes it and then fails',
  async mode => {
    const { store, backend } = await openMode(mode, undefined, { cacheBytes: 1 << 20 })
    await store.put('k', text(100))
    await store.get('k')
    const failed = new Error('the connection was lost')
    const restore = intercept(backend, ['_batch'], async ({ proceed }) => {
      await proceed()
      throw failed
    })
    await expect(store.gc.run({ policy: { process: () => ({ action: 'drop' }) } })).rejects.toThrow(Error)
    restore()
    expect(await store.keys().all()).toEqual([])
    expect(await store.get('k')).toBeUndefined()
    await store.close()
  }
)
