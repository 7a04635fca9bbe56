import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { expect, it } from 'vitest'
import { CompressedKvStore, registerCodec } from '../src/index.js'
import { intercept } from './support/intercept.js'
import { temporaryDirectory } from './support/temporary-directory.js'
const log = (...a: unknown[]) => console.log(...a)
const caught = async (p: Promise<unknown> | (() => Promise<unknown>)) => { try { return ['ok', await (typeof p === 'function' ? p() : p)] } catch (e: any) { return [e.code, e.message, e.cause?.code, e.cause?.message] } }

class TableLevel extends MemoryLevel<string, Buffer> { constructor(readonly db: unknown, readonly prefix?: unknown) { super({ valueEncoding: 'buffer' }) } }
it('1 backend with db property', async () => {
  log('1a string db', await caught(new CompressedKvStore(new TableLevel('file.sqlite')).open()))
  const conn = {}
  const a = new CompressedKvStore(new TableLevel(conn)), b = new CompressedKvStore(new TableLevel(conn))
  log('1b', await caught(a.open()), await caught(b.open()))
  log('1c prefix buffer', await caught(new CompressedKvStore(new TableLevel({}, Buffer.from('x'))).open()))
  const be = new TableLevel(undefined, 'myapp:')
  const s = be.sublevel<string, Buffer>('x', { valueEncoding: 'buffer' })
  log('1d', await caught(new CompressedKvStore(be).open()), await caught(new CompressedKvStore(s as any).open()), s.prefix)
})
it('2 backend closed in same tick', async () => {
  const backend = new MemoryLevel()
  const store = new CompressedKvStore(backend)
  await backend.close()
  await new Promise(r => setTimeout(r, 20))
  log('2', backend.status, store.status)
  const dir = temporaryDirectory()
  const l = new Level(dir); const st = new CompressedKvStore(l); await l.close(); await new Promise(r => setTimeout(r, 20))
  log('2 level', l.status, st.status, await caught(new Level(dir).open()))
})
it('3 codec returns not bytes', async () => {
  const results: [string, unknown][] = [['string', 'abc'], ['array', [1000, 2000]], ['u16', new Uint16Array([1000, 2000])], ['f64', new Float64Array([1.5])]]
  for (const [i, [name, r]] of results.entries()) {
    const codec = { id: 200 + i, name, compress: async () => r as any, decompress: async (d: Uint8Array, n: number) => Buffer.alloc(n, d) }
    registerCodec(codec)
    const store = new CompressedKvStore(new MemoryLevel({ valueEncoding: 'buffer' }), { codec })
    const p = await caught(store.put('k', Buffer.alloc(5000, 7) as any))
    log('3', name, p, store.stats().raw, JSON.stringify(store.stats().written))
    const raw = await (store.backend as any).get('k', { valueEncoding: 'buffer' })
    log('   stored', raw)
  }
})
it('4 codec named constructor', async () => {
  const before = Object.values
  const codec = { id: 210, name: 'constructor', compress: async (d: Uint8Array) => Buffer.from(d.subarray(0, 10)), decompress: async (_: Uint8Array, n: number) => Buffer.alloc(n) }
  registerCodec(codec)
  const store = new CompressedKvStore(new MemoryLevel({ valueEncoding: 'buffer' }), { codec })
  await store.put('k', Buffer.alloc(5000, 7) as any)
  const v = Object.values
  Object.values = before
  log('4 Object.values is', v)
  delete (Object as any).bytesIn; delete (Object as any).bytesStored
})
it('5 ttl + too large', async () => {
  const backend = new MemoryLevel<string, Buffer>({ valueEncoding: 'buffer' })
  let store = new CompressedKvStore(backend)
  await store.put('big', Buffer.alloc(100000, 1)); await store.put('t', Buffer.from('x'), { ttl: 1e9 })
  await store.put('dmg', Buffer.from('xyz'))
  await store.close()
  store = new CompressedKvStore(backend, { maxValueSize: 1000 })
  await store.open()
  log('5 has', await caught(store.has('big')), 'hasMany', await caught(store.hasMany(['t', 'big'])), 'keys', await caught(store.keys().all()), 'clear limit', await caught(store.clear({ limit: 1 })), await caught(() => store.keys({ gt: 'big' }).all()))
})
it('8 aliasing deferred get / bounds', async () => {
  const backend = new MemoryLevel<Buffer, Buffer>({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const store = new CompressedKvStore<Buffer, Buffer>(backend)
  await store.put(Buffer.from('a'), Buffer.from('1')); await store.put(Buffer.from('b'), Buffer.from('2')); await store.put(Buffer.from('c'), Buffer.from('3'))
  await store.close()
  const opened = store.open()
  const key = Buffer.from('a'); const g = store.get(key), h = store.has(key), m = store.getMany([key]); key.write('b')
  await opened
  log('8 get deferred', String(await g), 'getMany', String(await m))
  const lt = Buffer.from('c'); const it2 = store.keys({ lt }); lt.write('b')
  log('8 iterator lt=c then mutated to b:', (await it2.all()).map(String))
})
it('9 null bounds', async () => {
  for (const opts of [{ gte: undefined }, { gte: null }, { lt: undefined }, { gt: '' }, { lte: '' }] as any[]) {
    const bare = new MemoryLevel(), wrapped = new CompressedKvStore(new MemoryLevel())
    for (const db of [bare, wrapped]) await db.batch([{ type: 'put', key: 'a', value: '1' }, { type: 'put', key: 'z', value: '1' }])
    log('9', opts, await bare.keys(opts).all(), await wrapped.keys(opts).all())
  }
})
it('15 close resolves early', async () => {
  const backend = new MemoryLevel()
  const store = new CompressedKvStore(backend); await store.open()
  intercept(backend, ['_close'], async ({ proceed }) => { await new Promise(r => setTimeout(r, 100)); return proceed() })
  const b = backend.close(); await store.close()
  log('15 after store.close backend is', backend.status); await b
})
it('57 compactRange args', async () => {
  const l = new Level(temporaryDirectory()), w = new CompressedKvStore(new Level(temporaryDirectory()))
  await l.open(); await w.open()
  log('57', await caught((l as any).compactRange()), await caught((w as any).compactRange()), await caught((l as any).approximateSize(null, 'z')), await caught((w as any).approximateSize(null, 'z')), await caught((l as any).approximateSize('a', 'z', null)), await caught((w as any).approximateSize('a', 'z', null)))
  await l.close(); await w.close()
})
it('19 open error masked', async () => {
  const backend = new MemoryLevel()
  intercept(backend, ['_get'], () => Promise.reject(new Error('the cause')))
  intercept(backend, ['_close'], () => Promise.reject(new Error('close failed')))
  log('19', await caught(new CompressedKvStore(backend).open()), backend.status)
})
it('16 offthread small', async () => {
  for (const codec of ['lz4', 'zstd', 'none'] as const) {
    const s = new CompressedKvStore(new MemoryLevel<string, Buffer>({ valueEncoding: 'buffer' }), { codec, minSize: 0, minSaving: 0, offThreadSize: 0 })
    const vals = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(i % 300, 'v' + (i % 7)))
    await Promise.all(vals.map((v, i) => s.put('k' + i, v)))
    const got = await Promise.all(vals.map((_, i) => s.get('k' + i)))
    expect(got.every((g, i) => g!.equals(vals[i]!))).toBe(true)
    expect((await s.values().all()).length).toBe(3000)
  }
})
