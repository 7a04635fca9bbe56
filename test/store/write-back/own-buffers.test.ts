import { describe, expect, it } from 'vitest'
import { classicLevel } from '../../support/classic-level.js'
import { memoryLevel } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { turns } from '../../support/turns.js'
import { HeldCodec } from '../../support/user-codecs.js'
import { keysIn, NEVER, openWriteBack } from './write-back-store.js'

const BINARY = { keyEncoding: 'buffer' } as const
const key = (name: string) => Buffer.from(name) as unknown as string
const scribble = (...buffers: unknown[]) => buffers.forEach(buffer => (buffer as Buffer).fill(0x21))

describe('the caller may change its buffers right after the call', () => {
  const sizes: [string, number][] = [
    ['a small value', 10],
    ['one that has memory of its own', 50_000],
    ['one that is compressed off the main thread', 200_000]
  ]

  it.each(sizes)('%s, in put, batch and chained batch', async (_, size) => {
    const { store } = await openWriteBack()
    const keys = ['p', 'b', 'c', 'gone'].map(key)
    const values = [0, 1, 2].map(() => text(size))
    await store.put('gone', text(size))
    const writes = [
      store.put(keys[0]!, values[0]!, BINARY),
      store.batch([{ type: 'put', key: keys[1]!, value: values[1]! }], BINARY),
      store.batch().put(keys[2]!, values[2]!, BINARY).write(),
      store.del(keys[3]!, BINARY)
    ]
    scribble(...keys, ...values)
    await Promise.all(writes)
    for (const flushed of [false, true]) {
      if (flushed) await store.flush()
      expect(await store.keys().all()).toEqual(['b', 'c', 'p'])
      for (const value of await store.values().all()) expect(value.equals(text(size))).toBe(true)
    }
  })

  it('while a value waits for a codec', async () => {
    const codec = new HeldCodec()
    const { store } = await openWriteBack({ codec })
    const [name, value] = [key('k'), text(100_000)]
    const put = store.put(name, value, BINARY)
    scribble(name, value)
    await turns()
    codec.open()
    await put
    expect((await store.get('k'))!.equals(text(100_000))).toBe(true)
  })

  it('while a write waits for room', async () => {
    const { store, backend } = await openWriteBack({ memtable: { ...NEVER, maxBytes: 400 } })
    const first = store.put('first', text(300))
    const keys = ['a', 'b', 'c', 'first'].map(key)
    const values = [text(300), text(200_000), text(20)]
    const writes = [
      store.put(keys[0]!, values[0]!, BINARY),
      store.put(keys[1]!, values[1]!, BINARY),
      store.batch([{ type: 'put', key: keys[2]!, value: values[2]! }], BINARY),
      store.del(keys[3]!, BINARY)
    ]
    scribble(...keys, ...values)
    await Promise.all([first, ...writes])
    await store.flush()
    expect(await keysIn(backend)).toEqual(['a', 'b', 'c'])
    expect((await store.get('a'))!.equals(text(300))).toBe(true)
    expect((await store.get('b'))!.equals(text(200_000))).toBe(true)
    expect((await store.get('c'))!.equals(text(20))).toBe(true)
  })

  it('bounds of a clear, with and without a limit, and of an iterator', async () => {
    const { store } = await openWriteBack()
    for (const name of 'abcd') await store.put(name, text(3))
    const bounds = ['b', 'd', 'b'].map(key)
    const iterator = store.keys({ gte: bounds[2]!, ...BINARY } as object)
    const clears = [
      store.clear({ lt: bounds[0]!, ...BINARY } as object),
      store.clear({ gte: bounds[1]!, limit: 1, ...BINARY } as object)
    ]
    scribble(...bounds)
    await Promise.all(clears)
    expect(await store.keys().all()).toEqual(['b', 'c'])
    expect((await iterator.all()).map(String)).toEqual(['b', 'c', 'd'])
  })
})

// LevelDB hands out memory that it does not go on using, and so what comes from it is not copied.
const OVER = { 'memory-level': memoryLevel, 'classic-level': () => classicLevel(temporaryDirectory()) as never }

describe.each(Object.entries(OVER))('over %s, what is handed out', (_over, backend) => {
  const stored: [string, number, object][] = [
    ['a small value', 13, {}],
    ['an empty one', 0, {}],
    ['one not sealed yet', 5001, {}],
    ['one sealed raw', 5001, { codec: 'none' }],
    ['one that was compressed before it was logged', 100_001, {}]
  ]

  it.each(stored)('is the own of its reader, and aligned: %s', async (_, size, options) => {
    const { store } = await openWriteBack({}, backend())
    for (const name of ['odd', 'k', 'l']) await store.put(name, text(name === 'odd' ? 7 : size), options)
    const read = async () => [
      await store.get('k'),
      store.getSync('k'),
      ...(await store.getMany(['k', 'l'])),
      ...(await store.values({ gte: 'k', lt: 'm' }).all()),
      (await store.iterator({ gte: 'k' }).next())![1],
      ...(await store.iterator({ gte: 'k', lt: 'm' }).nextv(2)).map(([, value]) => value)
    ]
    for (const flushed of [false, false, true]) {
      if (flushed) await store.flush()
      const values = await read()
      expect(values.length).toBe(9)
      for (const value of values) {
        expect(value!.equals(text(size))).toBe(true)
        expect(value!.byteOffset % 8).toBe(0)
        scribble(value)
      }
    }
    await store.close()
  })

  it('keys are the own of their reader too', async () => {
    const { store } = await openWriteBack({}, backend())
    await store.put('k', text(5))
    for (let round = 0; round < 2; round++) {
      const [entry] = await store.iterator(BINARY as object).all()
      const [only] = await store.keys(BINARY as object).all()
      expect([entry![0], only].map(found => Buffer.from(found!).toString())).toEqual(['k', 'k'])
      scribble(entry![0], only)
    }
    await store.flush()
    expect(await store.keys().all()).toEqual(['k'])
    await store.close()
  })
})
