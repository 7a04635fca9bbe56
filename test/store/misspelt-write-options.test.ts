import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, zstd } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

const VALUE = text(3000)
const refused = (name: string, meant: string) =>
  expect.objectContaining({
    code: 'CKV_INVALID_OPTION',
    message: expect.stringContaining(`'${name}' of a write: did you mean '${meant}'?`) as string
  }) as unknown

/** JavaScript does not care about types. */
const options = (given: object) => given as never

describe('an option of a write that is misspelt', () => {
  it('is refused wherever it is, and nothing is written', async () => {
    const { store } = await openStore()
    await store.put('there', VALUE)
    const sublevel = store.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' })
    const put = (more: object) => ({ type: 'put', key: 'a', value: VALUE, ...more }) as never
    const found = await failures([
      store.put('a', VALUE, options({ tll: 1000 })),
      store.put('a', VALUE, options({ TTL: 1000 })),
      store.put('a', VALUE, options({ codecs: 'zstd' })),
      store.put('a', VALUE, options({ codecc: zstd() })),
      store.put('a', VALUE, options({ onstored: () => {} })),
      store.put('a', VALUE, options({ fsync: true })),
      store.del('there', options({ synch: true })),
      store.batch([put({}), put({ tll: 1000 })]),
      store.batch([put({})], options({ tll: 1000 })),
      store
        .batch()
        .put('a', VALUE, options({ tll: 1000 }))
        .write(),
      store
        .batch()
        .put('a', VALUE)
        .write(options({ tll: 1000 })),
      store.clear(options({ synk: true })),
      sublevel.put('a', VALUE, options({ tll: 1000 })),
      sublevel.batch([put({ tll: 1000 })]),
      sublevel.clear(options({ synk: true }))
    ])
    const [ttl, codec, sync] = [refused('tll', 'ttl'), refused('codecs', 'codec'), refused('synk', 'sync')]
    expect(found).toEqual([
      ttl,
      refused('TTL', 'ttl'),
      codec,
      refused('codecc', 'codec'),
      refused('onstored', 'onStored'),
      refused('fsync', 'sync'),
      refused('synch', 'sync'),
      ttl,
      ttl,
      ttl,
      ttl,
      sync,
      ttl,
      ttl,
      sync
    ])
    expect(await store.keys().all()).toEqual(['there'])
  })

  it('is refused by a write that waits for the store to open', async () => {
    const store = new CompressedKvStore(new MemoryLevel())
    const [why] = await failures([store.put('a', 'b', options({ tll: 1000 }))])
    expect(why).toEqual(refused('tll', 'ttl'))
    expect(await store.get('a')).toBeUndefined()
  })

  it('is one of ours: what a backend or a hook may know goes through', async () => {
    const { store, backend } = await openStore()
    const seen: unknown[] = []
    store.hooks.prewrite.add(operation => void seen.push({ ...operation }))
    const userland = { fillCache: false, highWaterMarkBytes: 9, code: 200, tel: '555', tags: ['a'], async: 'no' }
    await store.put('a', VALUE, options(userland))
    await store.batch([{ type: 'put', key: 'b', value: VALUE, ...userland } as never, { type: 'del', key: 'c' }])
    await store.put('d', VALUE, options({ tll: undefined }))
    await store.flush()
    expect(await backend.keys({ lt: '\u00ff' }).all()).toEqual(['a', 'b', 'd'])
    expect(seen.slice(0, 2)).toEqual([expect.objectContaining(userland), expect.objectContaining(userland)])
  })
})
