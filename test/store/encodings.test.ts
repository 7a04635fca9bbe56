import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/*
 * abstract-level does not look at what an encoding returns, and takes one that names no format for one that returns Buffers. classic-level
 * takes text and any Uint8Array there.
 */

type Encode = (data: string) => unknown

const utf8 = new TextEncoder()

/** What such an encoding may return for text: the same bytes each. */
const encodes: [string, Encode][] = [
  ['text', data => data],
  ['a Uint8Array', data => utf8.encode(data)],
  ['a Uint8Array in the middle of its memory', data => utf8.encode(`ab${data}c`).subarray(2, -1)],
  ['a DataView', data => new DataView(utf8.encode(data).buffer)],
  ['a Buffer', data => Buffer.from(data)]
]

/** Where writes go: the table, the backend, both. */
const modes: Record<string, (encoding: object) => CompressedKvStore> = {
  'write-back': encoding => new CompressedKvStore(new ClassicLevel(temporaryDirectory(), encoding), { minSize: 0 }),
  logged: encoding => new CompressedKvStore(new ClassicLevel(temporaryDirectory(), encoding), { memtable: false }),
  'write-through': encoding =>
    new CompressedKvStore(new MemoryLevel({ ...encoding, storeEncoding: 'buffer' }), {
      cacheBytes: 1 << 20
    })
}

const asText: Encode = data => data

let encodings = 0

/** abstract-level keeps encodings by their names. */
function encodingWith(encode: Encode): never {
  return { name: `number-${encodings++}`, encode, decode: (bytes: Buffer) => bytes.toString() } as never
}

async function opened(mode: keyof typeof modes, key: Encode, value: Encode): Promise<CompressedKvStore> {
  const store = modes[mode]!({ keyEncoding: encodingWith(key), valueEncoding: encodingWith(value) })
  onTestFinished(() => store.close())
  await store.open()
  return store
}

const LONG = 'a long text, '.repeat(100)
const LARGE = 'a large text, '.repeat(10_000)

describe.each(Object.keys(modes))('%s', mode => {
  describe.each(encodes)('keys and values of encodings that return %s', (_, encode) => {
    it.each(['the store', 'a sublevel'])('are what %s holds', async where => {
      const store = await opened(mode, encode, encode)
      const encoding = { keyEncoding: encodingWith(encode), valueEncoding: encodingWith(encode) }
      const sublevel = () => store.sublevel('sub', encoding) as unknown as typeof store
      const level = where === 'the store' ? store : sublevel()
      await level.open()
      await level.put('a', 'A')
      await level.put('ü', LONG, {})
      await level.batch([
        { type: 'put', key: 'c', value: LARGE },
        { type: 'put', key: 'd', value: '' },
        { type: 'put', key: 'gone', value: 'G' }
      ])
      await level.batch().put('f', 'F').put('g', '').put('h', 'H').del('h').write()
      await level.del('gone')
      const expected = { a: 'A', c: LARGE, d: '', f: 'F', g: '', ü: LONG }
      for (let i = 0; i < 2; i++) {
        expect(Object.fromEntries(await level.iterator().all())).toEqual(expected)
        expect(await level.keys({ gt: 'a', lte: 'f' }).all()).toEqual(['c', 'd', 'f'])
        expect(await level.values({ gte: 'f', lt: 'ü', reverse: true }).all()).toEqual(['', 'F'])
        expect(await level.get('a')).toBe('A')
        expect(await level.get('ü', {})).toBe(LONG)
        expect(level.getSync('c')).toBe(LARGE)
        expect(await level.getMany(['a', 'gone', 'd'])).toEqual(['A', undefined, ''])
        expect(await level.has('ü')).toBe(true)
        expect(await level.hasMany(['a', 'gone'])).toEqual([true, false])
        const iterator = level.keys()
        iterator.seek('f')
        expect(await iterator.next()).toBe('f')
        await iterator.close()
        await store.flush()
      }
      await level.clear({ gte: 'c', lt: 'f' })
      expect(await level.keys().all()).toEqual(['a', 'f', 'g', 'ü'])
      await level.clear({ gt: 'a', limit: 1 })
      expect(await level.keys().all()).toEqual(['a', 'g', 'ü'])
    })
  })

  it.each([
    ['a number', 5],
    ['undefined', undefined],
    ['null', null],
    ['an object', { length: 1 }],
    ['an array', [1, 2]]
  ])('an encoding that returns %s is told so, and nothing is written', async (_, returned) => {
    const bad: Encode = data => (data === 'bad' ? returned : data)
    const store = await opened(mode, bad, bad)
    await store.put('k', 'v')
    const INVALID_VALUE = { name: 'CompressedKvError', code: 'LEVEL_INVALID_VALUE' }
    const INVALID_KEY = { name: 'CompressedKvError', code: 'LEVEL_INVALID_KEY' }
    await expect(store.put('k', 'bad')).rejects.toMatchObject(INVALID_VALUE)
    await expect(store.put('k', 'bad', {})).rejects.toMatchObject(INVALID_VALUE)
    await expect(store.batch([{ type: 'put', key: 'k', value: 'bad' }])).rejects.toMatchObject(INVALID_VALUE)
    expect(() => store.batch().put('k', 'bad')).toThrow(expect.objectContaining(INVALID_VALUE))
    expect(() => store.batch().del('bad')).toThrow(expect.objectContaining(INVALID_KEY))
    const calls = [
      store.put('bad', 'v'),
      store.del('bad'),
      store.batch([{ type: 'del', key: 'bad' }]),
      store.clear({ gte: 'bad' }),
      store.get('bad'),
      store.get('bad', {}),
      store.getMany(['k', 'bad']),
      store.has('bad'),
      store.hasMany(['bad'])
    ]
    for (const failure of await failures(calls)) expect(failure).toMatchObject(INVALID_KEY)
    expect(() => store.getSync('bad')).toThrow(expect.objectContaining(INVALID_KEY))
    expect(() => store.iterator({ lt: 'bad' })).toThrow(expect.objectContaining(INVALID_KEY))
    const iterator = store.keys()
    expect(() => iterator.seek('bad')).toThrow(expect.objectContaining(INVALID_KEY))
    await iterator.close()
    const sublevel = store.sublevel('sub', {
      keyEncoding: encodingWith(bad),
      valueEncoding: encodingWith(asText)
    })
    await sublevel.open()
    await expect(sublevel.put('bad', 'v')).rejects.toMatchObject(INVALID_KEY)
    const ofBadValues = store.sublevel('sub', { valueEncoding: encodingWith(bad) })
    await ofBadValues.open()
    const put = { type: 'put', key: 'k', value: 'bad' } as const
    for (const error of await failures([
      ofBadValues.put('k', 'bad'),
      ofBadValues.put('k', 'bad', {}),
      ofBadValues.batch([put]),
      ofBadValues.batch([put], { ttl: 1000 }),
      ofBadValues.sublevel('below', { valueEncoding: encodingWith(bad) }).put('k', 'bad')
    ])) {
      expect(error).toMatchObject(INVALID_VALUE)
    }
    expect(() => ofBadValues.batch().put('k', 'bad')).toThrow(expect.objectContaining(INVALID_VALUE))
    expect(await store.iterator().all()).toEqual([['k', 'v']])
  })
})

it('methods with two keys take what such an encoding returns', async () => {
  const store = await opened(
    'write-back',
    data => data,
    data => data
  )
  for (let i = 0; i < 20; i++) await store.put(`k${i}`, LARGE)
  await store.compactRange('a', 'z')
  expect(await store.approximateSize('a', 'z')).toBeGreaterThan(0)
  expect(await store.approximateSize('x', 'z')).toBe(0)
})

it.each(['buffer', 'view', 'utf8', 'json'] as const)(
  'over a backend of views a store has its encoding, %s, and makes sublevels',
  async encoding => {
    const backend = new MemoryLevel<unknown, unknown>({
      storeEncoding: 'view',
      keyEncoding: encoding,
      valueEncoding: encoding
    })
    const store = new CompressedKvStore(backend)
    onTestFinished(() => store.close())
    const isBytes = encoding === 'buffer' || encoding === 'view'
    const [key, value] = isBytes ? [Buffer.from('key'), Buffer.from('value')] : ['key', 'value']
    await store.put(key, value)
    expect(await store.iterator().all()).toEqual([[key, value]])
    const sublevel = store.sublevel('sub')
    await sublevel.put('a', 'A')
    expect(await sublevel.get('a')).toBe('A')
  }
)
