import { describe, expect, it } from 'vitest'
import { Gate } from '../support/gate.js'
import { intercept, type Method, WRITES } from '../support/intercept.js'
import { openStore, type Store } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { HeldCodec } from '../support/user-codecs.js'

const OLD = Buffer.from('old value')
const NEW = Buffer.from('new value')

async function cachedStore(codec?: HeldCodec) {
  const opened = await openStore({ cacheBytes: 1 << 20, ...(codec && { codec }) })
  await opened.store.put('k', OLD)
  return opened
}

/** Lets the next calls of these methods do their work, and holds their results back. */
function holdResults(backend: object, methods: readonly Method[]): Gate & { restore(): void } {
  const gate = new Gate()
  const restore = intercept(backend, methods, async ({ proceed }) => {
    const result = await proceed()
    await gate.wait()
    return result
  })
  return Object.assign(gate, { restore })
}

const writes: [string, (store: Store) => Promise<void>, Buffer | undefined][] = [
  ['put', store => store.put('k', NEW), NEW],
  ['del', store => store.del('k'), undefined],
  ['batch', store => store.batch([{ type: 'put', key: 'k', value: NEW }]), NEW],
  ['clear', store => store.clear(), undefined],
  ['clear with a limit', store => store.clear({ limit: 1 }), undefined]
]

describe.each(writes)('a get does not leave the old value in the cache when a %s', (_, write, expected) => {
  it('was accepted and done while the get ran', async () => {
    const { store, backend } = await cachedStore()
    const reading = holdResults(backend, ['_get'])
    const get = store.get('k')
    await reading.reached
    reading.restore()
    await write(store)
    reading.open()
    expect(await get).toEqual(OLD)
    expect(await store.get('k')).toEqual(expected)
  })

  it('was accepted before the get began and done before it ended', async () => {
    const { store, backend } = await cachedStore()
    const before = new Gate()
    const stop = intercept(backend, [...WRITES, '_clear'], async ({ proceed }) => {
      await before.wait()
      return proceed()
    })
    const written = write(store)
    await before.reached
    const reading = holdResults(backend, ['_get'])
    const get = store.get('k')
    await reading.reached
    reading.restore()
    stop()
    before.open()
    await written
    reading.open()
    expect(await get).toEqual(OLD)
    expect(await store.get('k')).toEqual(expected)
  })

  it('was accepted before the get began and done after it ended', async () => {
    const { store, backend } = await cachedStore()
    const before = new Gate()
    const stop = intercept(backend, [...WRITES, '_clear'], async ({ proceed }) => {
      await before.wait()
      return proceed()
    })
    const written = write(store)
    await before.reached
    expect(await store.get('k')).toEqual(OLD)
    expect(await store.get('k')).toEqual(OLD)
    stop()
    before.open()
    await written
    expect(await store.get('k')).toEqual(expected)
    expect(store.getSync('k')).toEqual(expected)
  })

  it('has reached the backend and its result is still on its way', async () => {
    const { store, backend } = await cachedStore()
    const reading = holdResults(backend, ['_get'])
    const early = store.get('k')
    await reading.reached
    reading.restore()
    const writing = holdResults(backend, [...WRITES, '_clear'])
    const written = write(store)
    await writing.reached
    const late = store.get('k')
    reading.open()
    await Promise.all([early, late])
    writing.restore()
    writing.open()
    await written
    expect(await store.get('k')).toEqual(expected)
  })
})

it('a large put that is being sealed leaves the old value visible, and not in the cache afterwards', async () => {
  const codec = new HeldCodec()
  const { store } = await cachedStore(codec)
  const put = store.put('k', text(5000))
  expect(await store.get('k')).toEqual(OLD)
  expect(await store.get('k')).toEqual(OLD)
  codec.open()
  await put
  expect((await store.get('k'))?.length).toBe(5000)
})

it('two gets of one key that end in the reverse order leave the newer value', async () => {
  const { store, backend } = await cachedStore()
  const first = holdResults(backend, ['_get'])
  const early = store.get('k')
  await first.reached
  first.restore()
  await store.put('k', NEW)
  expect(await store.get('k')).toEqual(NEW)
  first.open()
  expect(await early).toEqual(OLD)
  expect(await store.get('k')).toEqual(NEW)
})

it('a write that the backend refused, after all applied, is not hidden by the cache', async () => {
  const { store, backend } = await cachedStore()
  await store.get('k')
  const stop = intercept(backend, WRITES, async ({ proceed }) => {
    await proceed()
    throw new Error('the connection was lost')
  })
  await expect(store.put('k', NEW)).rejects.toThrow('the connection was lost')
  stop()
  expect(await store.get('k')).toEqual(NEW)
})

it('a get does not find the old value again after another read has seen the new one', async () => {
  const { store, backend } = await cachedStore()
  const applying = new Gate()
  const applied = new Gate()
  intercept(backend, WRITES, async ({ proceed }) => {
    await applying.wait()
    await proceed()
    await applied.wait()
  })
  const written = store.put('k', NEW)
  await applying.reached
  const reading = holdResults(backend, ['_get'])
  const get = store.get('k')
  await reading.reached
  reading.restore()
  applying.open()
  await applied.reached
  expect(store.getSync('k')).toEqual(NEW)
  reading.open()
  expect(await get).toEqual(OLD)
  expect(await store.get('k')).toEqual(NEW)
  applied.open()
  await written
})
