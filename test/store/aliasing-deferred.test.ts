import { describe, expect, it } from 'vitest'
import { type CodecName, CompressedKvStore } from '../../src/index.js'
import { memory, openStore, type Store } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

/** A store that opens by itself after this turn, so that calls are deferred. */
function openingStore(): Store {
  return new CompressedKvStore(memory())
}

describe('while the store is opening the caller may change its buffers and options right after', () => {
  it('put', async () => {
    const store = openingStore()
    const key = Buffer.from('key')
    const value = text(5000)
    const written = store.put(key, value, AS_BYTES)
    expect(store.status).toBe('opening')
    key.fill('x')
    value.fill(0)
    await written
    expect(await store.keys().all()).toEqual(['key'])
    expect((await store.get('key'))?.equals(text(5000))).toBe(true)
  })

  it('the options of a put', async () => {
    const store = openingStore()
    const options: { codec: CodecName } = { codec: 'zstd' }
    const written = store.put('key', text(5000), options)
    options.codec = 'none' // For the next.
    await written
    await store.flush()
    expect(store.stats().written.byCodec).toMatchObject({ zstd: { values: 1 } })
  })

  it('put of a view of floats', async () => {
    const store = openingStore()
    const floats = Float32Array.from([1, 2, 3])
    const written = store.put('key', floats as unknown as Buffer)
    floats.fill(0)
    await written
    const stored = (await store.get('key'))!
    expect([...new Float32Array(stored.buffer, stored.byteOffset, 3)]).toEqual([1, 2, 3])
  })

  it('put of a view of shared memory', async () => {
    const store = openingStore()
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7)
    const written = store.put('key', shared as unknown as Buffer)
    shared.fill(0)
    await written
    expect([...(await store.get('key'))!]).toEqual([7, 7, 7])
  })

  it('put of a small view of a large buffer, which is not copied whole', async () => {
    const store = openingStore()
    const large = new Float32Array(8 * 1024 * 1024).fill(1)
    const before = process.memoryUsage().arrayBuffers
    const writes = Array.from({ length: 8 }, (_, i) => {
      const view = large.subarray(i, i + 1)
      const written = store.put(`k${i}`, view as unknown as Buffer)
      view.fill(0)
      return written
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(large.byteLength)
    await Promise.all(writes)
    const stored = (await store.get('k7'))!
    expect([...new Float32Array(stored.buffer, stored.byteOffset, 1)]).toEqual([1])
  })

  it('batch', async () => {
    const store = openingStore()
    const key = Buffer.from('key')
    const value = text(5000)
    const operations = [{ type: 'put' as const, key, value }]
    const written = store.batch<Buffer, Buffer>(operations, AS_BYTES)
    key.fill('x')
    value.fill(0)
    operations.pop()
    await written
    expect(await store.keys().all()).toEqual(['key'])
    expect((await store.get('key'))?.equals(text(5000))).toBe(true)
  })

  it('del', async () => {
    const { store } = await openStore()
    await store.put('one', text(10))
    await store.put('two', text(10))
    await store.close()
    const opened = store.open()
    const key = Buffer.from('one')
    const deleted = store.del(key, { keyEncoding: 'buffer' })
    expect(store.status).toBe('opening')
    key.set(Buffer.from('two'))
    await Promise.all([opened, deleted])
    expect(await store.keys().all()).toEqual(['two'])
  })

  it('clear', async () => {
    const { store } = await openStore()
    await store.put('a', text(10))
    await store.put('b', text(10))
    await store.close()
    const opened = store.open()
    const bound = Buffer.from('b')
    const cleared = store.clear({ lt: bound, keyEncoding: 'buffer' } as object)
    bound.set(Buffer.from('z'))
    await Promise.all([opened, cleared])
    expect(await store.keys().all()).toEqual(['b'])
  })

  it('put on a sublevel that was made a moment ago', async () => {
    const { store } = await openStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    const value = text(5000)
    const written = sub.put('key', value)
    value.fill(0)
    await written
    expect((await sub.get('key'))?.equals(text(5000))).toBe(true)
  })

  it('batch on a sublevel that was made a moment ago', async () => {
    const { store } = await openStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    const value = text(5000)
    const written = sub.batch([{ type: 'put', key: 'key', value }])
    value.fill(0)
    await written
    expect((await sub.get('key'))?.equals(text(5000))).toBe(true)
  })
})

describe('deferred calls', () => {
  it('keep their order', async () => {
    const store = openingStore()
    const writes = [
      store.put('k', Buffer.from('1')),
      store.batch([{ type: 'put', key: 'k', value: Buffer.from('2') }]),
      store.clear(),
      store.put('k', Buffer.from('3')),
      store.flush(),
      store.put('l', Buffer.from('4'))
    ]
    await Promise.all(writes)
    expect((await store.getMany(['k', 'l'])).map(String)).toEqual(['3', '4'])
  })

  it('reads wait for the store to open', async () => {
    const { store, backend } = await openStore()
    await store.put('k', text(5000))
    await store.close()
    const again = new CompressedKvStore(backend)
    const [value, has, many, hasMany, keys] = await Promise.all([
      again.get('k'),
      again.has('k'),
      again.getMany(['k', 'l']),
      again.hasMany(['k', 'l']),
      again.keys().all()
    ])
    expect(value?.equals(text(5000))).toBe(true)
    expect(has).toBe(true)
    expect(many.map(found => found?.length)).toEqual([5000, undefined])
    expect(hasMany).toEqual([true, false])
    expect(keys).toEqual(['k'])
  })

  it('are rejected if opening fails', async () => {
    const { store, backend } = await openStore()
    const second = new CompressedKvStore(backend)
    await expect(second.put('k', text(10))).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await expect(second.flush()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    expect(store.status).toBe('open')
  })
})
