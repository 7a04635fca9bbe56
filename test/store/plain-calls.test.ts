import { MemoryLevel } from 'memory-level'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import { intercept } from '../support/intercept.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/*
 * A put without encodings of its own, and a get without options, go past abstract-level: nothing is left for it to do. Each of these says the same of
 * such calls and of calls with an encoding, which never do.
 */

interface Calls {
  readonly put: (store: CompressedKvStore<string, unknown>, key: string, value: unknown) => Promise<void>
  readonly get: (store: CompressedKvStore<string, unknown>, key: string) => Promise<unknown>
}

const PLAIN: Calls = { put: (store, key, value) => store.put(key, value), get: (store, key) => store.get(key) }
const WITH_OPTIONS: Calls = {
  put: (store, key, value) => store.put(key, value, { sync: true }),
  get: (store, key) => store.get(key, {})
}
const WITH_ENCODING: Calls = {
  put: (store, key, value) => store.put(key, value, { keyEncoding: 'utf8' }),
  get: (store, key) => store.get(key, { keyEncoding: 'utf8' })
}

const VALUE = { text: 'some text, '.repeat(200) }
const LARGE = { text: 'some text, '.repeat(20_000) }

type Options = CompressedKvStoreOptions<string, unknown>

function storeWith(options: Options, wal: boolean): CompressedKvStore<string, unknown> {
  const backend = new MemoryLevel<string, unknown>({ valueEncoding: 'json' })
  const log = wal ? { wal: { dir: temporaryDirectory(), fsync: 'os' } as const } : {}
  const store = new CompressedKvStore<string, unknown>(backend, { ...log, ...options })
  onTestFinished(() => store.close())
  return store
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code?: string }) => error.code
  )

function refuse(): never {
  throw new Error('not mine')
}

function hook(operation: { key: unknown }): void {
  operation.key = `hooked ${String(operation.key)}`
}

describe.each([
  ['without options', PLAIN],
  ['with options', WITH_OPTIONS],
  ['with an encoding', WITH_ENCODING]
])('calls %s', (_, { put, get }) => {
  it.each([
    ['a table', true, {}],
    ['the backend', false, {}],
    ['the cache', false, { cacheBytes: 1 << 20 }],
    ['a table, with a cache', true, { cacheBytes: 1 << 20 }]
  ])('find in %s what was put, small or large, and nothing else', async (__, wal, options) => {
    const store = storeWith({ codec: 'zstd', ...options }, wal)
    await store.open()
    await put(store, 'small', VALUE)
    await put(store, 'large', LARGE)
    for (let i = 0; i < 2; i++) {
      expect(await Promise.all(['small', 'large', 'none'].map(key => get(store, key)))).toEqual([
        VALUE,
        LARGE,
        undefined
      ])
    }
    await store.flush()
    expect(await get(store, 'large')).toEqual(LARGE)
    await store.del('small')
    expect(await get(store, 'small')).toBeUndefined()
  })

  it('wait for the store to open', async () => {
    const store = storeWith({}, true)
    await put(store, 'k', 1)
    expect(await get(store, 'k')).toBe(1)
  })

  it('are refused by a store that is closed', async () => {
    const store = storeWith({}, true)
    await store.open()
    await store.close()
    expect(await codeOf(put(store, 'k', 1))).toBe('LEVEL_DATABASE_NOT_OPEN')
    expect(await codeOf(get(store, 'k'))).toBe('LEVEL_DATABASE_NOT_OPEN')
  })

  it.each([undefined, null])('refuse %s as key and as value', async nothing => {
    const store = storeWith({}, true)
    await store.open()
    expect(await codeOf(put(store, nothing as never, 1))).toBe('LEVEL_INVALID_KEY')
    expect(await codeOf(get(store, nothing as never))).toBe('LEVEL_INVALID_KEY')
    expect(await codeOf(put(store, 'k', nothing))).toBe('LEVEL_INVALID_VALUE')
    expect(await get(store, 'k')).toBeUndefined()
  })

  it('reject, and do not throw, where an encoding throws', async () => {
    const store = storeWith(
      { valueEncoding: { name: 'refusing', format: 'utf8', encode: refuse, decode: refuse } },
      true
    )
    await store.open()
    await expect(put(store, 'k', 1)).rejects.toThrow('not mine')
    await store.put('k', '1', { valueEncoding: 'utf8' })
    const failure: unknown = await get(store, 'k').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'LEVEL_DECODE_ERROR', cause: { message: 'not mine' } })
    await store.flush()
    expect(await codeOf(get(store, 'k'))).toBe('LEVEL_DECODE_ERROR')
  })

  it('reject, and do not throw, what the store refuses', async () => {
    const backend = new MemoryLevel<string, unknown>({ valueEncoding: 'json' })
    const writer = new CompressedKvStore<string, unknown>(backend)
    await writer.put('k', 1)
    await writer.close()
    const store = new CompressedKvStore<string, unknown>(backend, { readOnly: true })
    onTestFinished(() => store.close())
    await store.open()
    expect(await codeOf(put(store, 'k', 2))).toBe('LEVEL_READONLY')
    expect(await get(store, 'k')).toBe(1)
  })

  it('say why the backend failed', async () => {
    const store = storeWith({}, false)
    await put(store, 'k', 1)
    intercept(store.backend, ['_get', '_getMany'], () => Promise.reject(new Error('a block is broken')))
    const failures = await Promise.allSettled(['k', 'k', 'k'].map(key => get(store, key)))
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(get(store, 'k')).rejects.toThrow('a block is broken')
  })

  it('run prewrite hooks and tell listeners', async () => {
    const store = storeWith({}, true)
    await store.open()
    store.hooks.prewrite.add(hook)
    await put(store, 'k', 1)
    store.hooks.prewrite.delete(hook)
    expect(await get(store, 'hooked k')).toBe(1)
    const told: unknown[] = []
    const listener = (operations: readonly { key: unknown; value?: unknown }[]) =>
      void told.push(...operations.map(({ key, value }) => [key, value]))
    store.on('write', listener as never)
    await put(store, 'told', 2)
    store.off('write', listener as never)
    await put(store, 'untold', 3)
    expect(told).toEqual([['told', 2]])
  })

  it('come back with promises of their own', async () => {
    const store = storeWith({}, true)
    await store.open()
    const puts = Array.from({ length: 10 }, (__, i) => put(store, `k${i}`, i))
    expect(new Set(puts).size).toBe(10)
    await Promise.all(puts)
  })
})

it.each([{ valueEncoding: 'utf8' }, { keyEncoding: 'hex' }])('put uses the encoding of %j', async options => {
  const store = storeWith({}, true)
  await store.open()
  await store.put('6b', 'text', options)
  const encodings = { keyEncoding: 'utf8', valueEncoding: 'utf8', ...options }
  expect(await store.keys({ keyEncoding: encodings.keyEncoding }).all()).toEqual(['6b'])
  expect(await store.get('6b', encodings)).toBe('valueEncoding' in options ? 'text' : '"text"')
})

it('put takes what is no object for no options', async () => {
  const store = storeWith({}, true)
  await store.open()
  for (const [i, options] of [null, 'sync', 1].entries()) await store.put(`k${i}`, i, options as never)
  expect(await store.getMany(['k0', 'k1', 'k2'])).toEqual([0, 1, 2])
})

it('a put that goes past abstract-level reads the options of the store, and refuses what it does not know', async () => {
  const store = storeWith({}, true)
  await store.open()
  let stored = 0
  await store.put('k', VALUE, { codec: 'zstd', onStored: bytes => (stored = bytes) })
  expect(stored).toBeLessThan(200)
  expect(await codeOf(store.put('k', 1, { tll: 5 } as never))).toBe('CKV_INVALID_OPTION')
  expect(await codeOf(store.put('k', 1, { sync: 'yes' } as never))).toBe('CKV_INVALID_OPTION')
  expect(await store.get('k')).toEqual(VALUE)
})

it('a subclass has its say in them', async () => {
  const asked: string[] = []
  class Watched extends CompressedKvStore {
    override _get(...args: Parameters<CompressedKvStore['_get']>) {
      asked.push(`get ${args[0].toString()}`)
      return super._get(...args)
    }
    override _put(...args: Parameters<CompressedKvStore['_put']>) {
      asked.push(`put ${args[0].toString()}`)
      return super._put(...args)
    }
  }
  const store = new Watched(new MemoryLevel())
  onTestFinished(() => store.close())
  await store.open()
  await store.put('k', 'v')
  expect(await store.get('k')).toBe('v')
  expect(asked).toEqual(['put k', 'get k'])
})

it('reserved keys hold nothing for a reader, and take nothing', async () => {
  const store = new CompressedKvStore<Buffer, Buffer>(
    new MemoryLevel<Buffer, Buffer>({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
  )
  onTestFinished(() => store.close())
  await store.put(Buffer.of(1), Buffer.of(1)) // With it the marker, under such a key.
  const reserved = Buffer.concat([Buffer.of(0xff, 0x63, 0x6b, 0x76, 0x00), Buffer.from('marker')])
  expect(await store.get(reserved)).toBeUndefined()
  expect(await codeOf(store.put(reserved, Buffer.of(1)))).toBe('LEVEL_INVALID_KEY')
})
