import { describe, expect, it } from 'vitest'
import { openStore, type Store } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { HeldCodec } from '../support/user-codecs.js'

const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

const values: Record<string, Buffer> = {
  'small, raw': Buffer.from('a small value'),
  'compressed at once': text(5000),
  'compressed off the main thread': text(200_000),
  incompressible: noise(5000),
  'incompressible, off the main thread': noise(200_000)
}

/** Ways to write `value` under `key`; each returns before anything was awaited. */
const writes: Record<string, (store: Store, key: Buffer, value: Buffer) => Promise<void>> = {
  put: (store, key, value) => store.put(key, value, AS_BYTES),
  batch: (store, key, value) => store.batch<Buffer, Buffer>([{ type: 'put', key, value }], AS_BYTES),
  'chained batch': (store, key, value) => store.batch().put(key, value, AS_BYTES).write()
}

describe.each(Object.entries(writes))('the caller may change its buffers right after %s returned', (_, write) => {
  it.each(Object.entries(values))('a value that is %s', async (_name, original) => {
    const { store } = await openStore()
    const key = Buffer.from('key')
    const value = Buffer.from(original)
    const written = write(store, key, value)
    key.fill('x')
    value.fill(0)
    await written
    expect(await store.keys().all()).toEqual(['key'])
    expect((await store.get('key'))?.equals(original)).toBe(true)
  })

  it('a value of another kind of view', async () => {
    const { store } = await openStore()
    const floats = Float32Array.from({ length: 5000 }, (_unused, i) => i % 7)
    const original = Buffer.from(Buffer.from(floats.buffer))
    const written = write(store, Buffer.from('key'), floats as unknown as Buffer)
    floats.fill(0)
    await written
    expect((await store.get('key'))?.equals(original)).toBe(true)
  })
})

it('a chained batch owns what it was given before write() is called', async () => {
  const { store } = await openStore()
  const batch = store.batch()
  const key = Buffer.from('put')
  const value = text(5000)
  const deleted = Buffer.from('del')
  await store.put('del', Buffer.from('old'))
  batch.put(key, value, AS_BYTES).del(deleted, { keyEncoding: 'buffer' })
  key.fill('x')
  value.fill(0)
  deleted.fill('x')
  await batch.write()
  expect(await store.keys().all()).toEqual(['put'])
  expect((await store.get('put'))?.equals(text(5000))).toBe(true)
})

it('a chained batch of a sublevel does too', async () => {
  const { store } = await openStore()
  const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
  await sub.open()
  const key = Buffer.from('key')
  const value = text(5000)
  const batch = sub.batch().put<Buffer, Buffer>(key, value, { keyEncoding: 'buffer' })
  key.fill('x')
  value.fill(0)
  await batch.write()
  expect(await sub.keys().all()).toEqual(['key'])
  expect((await sub.get('key'))?.equals(text(5000))).toBe(true)
})

it('the key of a del may be changed right after the call', async () => {
  const { store } = await openStore()
  await store.batch([
    { type: 'put', key: 'one', value: Buffer.from('1') },
    { type: 'put', key: 'two', value: Buffer.from('2') }
  ])
  const key = Buffer.from('one')
  const deleted = store.del(key, { keyEncoding: 'buffer' })
  key.set(Buffer.from('two'))
  await deleted
  expect(await store.keys().all()).toEqual(['two'])
})

it('the bounds of a clear that has to wait may be changed right after the call', async () => {
  const codec = new HeldCodec()
  const { store } = await openStore({ codec })
  for (const key of ['a', 'b', 'c']) await store.put(key, Buffer.from(key))
  const put = store.put('held', text(5000))
  const bound = Buffer.from('b')
  const cleared = store.clear({ lt: bound, keyEncoding: 'buffer' } as object)
  bound.set(Buffer.from('d'))
  codec.open()
  await Promise.all([put, cleared])
  expect(await store.keys().all()).toEqual(['b', 'c', 'held'])
})

it('the bounds of a clear that need not wait may be changed right after the call', async () => {
  const { store } = await openStore()
  for (const key of ['a', 'b', 'c']) await store.put(key, Buffer.from(key))
  const bound = Buffer.from('b')
  const cleared = store.clear({ lt: bound, keyEncoding: 'buffer' } as object)
  bound.set(Buffer.from('d'))
  await cleared
  expect(await store.keys().all()).toEqual(['b', 'c'])
})

it('the operations of a batch may be changed right after the call', async () => {
  const codec = new HeldCodec()
  const { store } = await openStore({ codec })
  const operations = [
    { type: 'put' as 'put' | 'del', key: 'k', value: text(5000) },
    { type: 'put' as 'put' | 'del', key: 'l', value: Buffer.from('l') }
  ]
  const written = store.batch(operations as { type: 'put'; key: string; value: Buffer }[])
  operations[0]!.key = 'changed'
  operations[1]!.type = 'del'
  operations.pop()
  codec.open()
  await written
  expect(await store.keys().all()).toEqual(['k', 'l'])
})

it('a key buffer that is used again for the next read does not mix up the cache', async () => {
  const { store } = await openStore({ cacheBytes: 1 << 20 })
  await store.put('a', Buffer.from('value of a'))
  await store.put('b', Buffer.from('value of b'))
  const key = Buffer.from('a')
  const first = store.get(key, { keyEncoding: 'buffer' })
  key.set(Buffer.from('b'))
  const second = store.get(key, { keyEncoding: 'buffer' })
  expect(String(await first)).toBe('value of a')
  expect(String(await second)).toBe('value of b')
  expect((await store.getMany(['a', 'b'])).map(String)).toEqual(['value of a', 'value of b'])
  expect(String(await store.get('a'))).toBe('value of a')
  expect(String(await store.get('b'))).toBe('value of b')
})
