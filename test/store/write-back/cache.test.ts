import { describe, expect, it } from 'vitest'
import { Gate } from '../../support/gate.js'
import { intercept } from '../../support/intercept.js'
import type { Store } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { HeldCodec } from '../../support/user-codecs.js'
import { BACKENDS, openWriteBack } from './write-back-store.js'

const OLD = Buffer.from('old')
const NEW = Buffer.from('new')

const writes: [string, (store: Store) => Promise<void>, Buffer | undefined][] = [
  ['a put', store => store.put('k', NEW), NEW],
  ['a large put', store => store.put('k', text(100_000)), text(100_000)],
  ['a del', store => store.del('k'), undefined],
  ['a batch', store => store.batch([{ type: 'put', key: 'k', value: NEW }]), NEW],
  ['a clear', store => store.clear({ gte: 'k' }), undefined],
  ['a limited clear', store => store.clear({ limit: 1 }), undefined],
  ['a snapshot clear', store => store.clear({ snapshot: store.snapshot() }), undefined]
]

/** Enough to tell values apart; comparing large ones byte by byte takes long. */
const brief = (value: Buffer | undefined) => value && `${value.length} bytes: ${value.toString('latin1', 0, 8)}`

/** What several reads find, before a flush and after it, again and again. */
async function seen(store: Store): Promise<(string | undefined)[]> {
  const found: (Buffer | undefined)[] = []
  for (const flushed of [false, true]) {
    if (flushed) await store.flush()
    for (let round = 0; round < 2; round++) {
      found.push(await store.get('k'), store.getSync('k'), ...(await store.getMany(['k'])))
    }
  }
  return found.map(brief)
}

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  const cached = async () => {
    const opened = await openWriteBack({ cacheBytes: 1 << 20 }, backendOf())
    await opened.store.put('k', OLD)
    await opened.store.flush()
    expect(await opened.store.get('k')).toEqual(OLD)
    expect(opened.store.stats().cache.entries).toBe(1)
    return opened
  }

  describe.each(writes)('%s', (_write, write, expected) => {
    const always = Array.from({ length: 12 }, () => brief(expected))

    it('is seen, not what the cache had', async () => {
      const { store } = await cached()
      await write(store)
      expect(await seen(store)).toEqual(always)
    })

    it('is seen, also when a get of the old value was under way', async () => {
      const { store, backend } = await cached()
      await store.put('k', OLD)
      await store.flush()
      const gate = new Gate()
      const restore = intercept(backend, ['_get', '_getMany'], async ({ proceed }) => {
        const result = await proceed()
        await gate.wait()
        return result
      })
      const get = store.get('k')
      await gate.reached
      restore()
      await write(store)
      await store.flush()
      gate.open()
      expect(await get).toEqual(OLD)
      expect(await seen(store)).toEqual(always)
    })

    it('is seen, also when a get filled the cache between its call and its end', async () => {
      const { store } = await cached()
      const written = write(store)
      await store.get('k')
      await written
      expect(await seen(store)).toEqual(always)
    })
  })

  it('serves what is in the backend alone', async () => {
    const { store } = await cached()
    expect(await store.get('k')).toEqual(OLD)
    expect(store.stats().cache.hits).toBe(1)
    await store.put('k', NEW)
    expect(await store.get('k')).toEqual(NEW)
    expect(store.stats().cache).toMatchObject({ hits: 1, entries: 0 })
  })

  it('values handed out by the cache are the own of their reader', async () => {
    const { store } = await cached()
    for (let i = 0; i < 3; i++) (await store.get('k'))!.fill(0)
    expect(await store.get('k')).toEqual(OLD)
  })
})

it('a value under compression does not leave the old one in the cache', async () => {
  const codec = new HeldCodec()
  const { store } = await openWriteBack({ cacheBytes: 1 << 20, codec })
  await store.put('k', OLD)
  await store.flush()
  const put = store.put('k', text(100_000))
  expect(await store.get('k')).toEqual(OLD)
  codec.open()
  await put
  expect((await store.get('k'))!.length).toBe(100_000)
  await store.flush()
  expect((await store.get('k'))!.length).toBe(100_000)
})
