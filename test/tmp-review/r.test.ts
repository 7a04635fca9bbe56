import { expect, it } from 'vitest'
import { MemoryLevel } from 'memory-level'
import { CompressedKvStore, Record, Wal, registerCodec } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { contents, contentsOf, killed, logOn, memoryLevel, openLogged } from '../support/logged-store.js'
import { PermanentMemoryLevel } from '../support/permanent-memory-level.js'
import { intercept, failing, WRITES } from '../support/intercept.js'
import { noise } from '../support/sample-values.js'
import { MarkerState } from '../../src/store/marker-state.js'

it('A2 first append of new memory store fails, second succeeds', async () => {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const store = await openLogged(logOn(fs, { segmentBytes: 1 << 20 }), memoryLevel())
  fs.fail('write', { code: 'ENOSPC', path: /\.wal/, after: 1 })  // header ok, first frame fails
  const r = await Promise.allSettled([store.put('big', noise(200_000)), store.put('small', Buffer.from('v'))])
  console.log('A2', r.map(x => x.status), (r[0] as any).reason?.code)
  console.log('A2 live', await contents(store))
  await store.close()
  console.log('A2 reopened', JSON.stringify(await contentsOf(logOn(disk))))
})

it('C store id: memory-level first wrapped without a log', async () => {
  const disk = new CrashableFileSystem()
  const mem = memoryLevel()
  const a = new CompressedKvStore<string, Buffer>(mem, { wal: false })
  await a.put('a', Buffer.from('A'))
  await a.close()
  const b = await openLogged(logOn(disk), mem)
  await b.put('b', Buffer.from('B'))
  await b.close()
  await contentsOf(logOn(disk), mem).then(x => console.log('C same backend', x), e => console.log('C same backend', e.code, e.cause?.message))
  console.log('C new process', JSON.stringify(await contentsOf(logOn(killed(disk)))))
})

it('C2 same, log directory changed', async () => {
  const mem = memoryLevel()
  const a = await openLogged(logOn(new CrashableFileSystem()), mem)
  await a.put('a', Buffer.from('A'))
  await a.close()
  const disk = new CrashableFileSystem()
  const b = await openLogged(logOn(disk), mem)
  console.log('C2 live', await contents(b))
  await b.put('b', Buffer.from('B'))
  await b.close()
  console.log('C2 new process', JSON.stringify(await contentsOf(logOn(killed(disk)))))
})

it('B clear rejected by memory backend', async () => {
  const disk = new CrashableFileSystem()
  const mem = memoryLevel()
  const s = await openLogged(logOn(disk), mem)
  await s.put('a', Buffer.from('A'))
  const repair = failing(mem, ['_clear'], new Error('broken'))
  await s.clear().then(() => console.log('B ok?'), e => console.log('B rejected', e.code, e.message))
  repair()
  console.log('B live', await contents(s))
  await s.close()
  console.log('B reopened', JSON.stringify(await contentsOf(logOn(disk))))
})

it('B5 clears fill the log of a new memory store before the first put', async () => {
  const disk = new CrashableFileSystem()
  const s = await openLogged(logOn(disk), memoryLevel())
  for (let i = 0; i < 60; i++) await s.clear()
  await s.put('a', Buffer.from('A'))
  await s.close()
  console.log('B5 reopened', JSON.stringify(await contentsOf(logOn(disk))))
})

it('N wrong type bricks the log', async () => {
  for (const bad of [123, { a: 1 }, new ArrayBuffer(10), new Uint16Array([1, 2, 300])]) {
    const fs = new CrashableFileSystem()
    const { wal } = await Wal.open({ dir: '/log', fs, meter: false })
    const good = wal.append(Record.put('good', 'x'))
    const p = wal.append(Record.put('k', bad as never))
    const good2 = wal.append(Record.put('good2', 'y'))
    const rs = await Promise.allSettled([good, p, good2])
    console.log('N', Object.prototype.toString.call(bad), rs.map(r => r.status + ' ' + ((r as any).reason?.message ?? '')))
    await wal.append(Record.put('later', 'z')).then(() => console.log('N later ok'), e => console.log('N later', e.code, e.message))
    await wal.close().catch(e => console.log('close', e))
    await Wal.open({ dir: '/log', fs, meter: false }).then(async ({ wal, recovery }) => {
      const ks = []; for await (const { record } of wal.read()) ks.push(record.key.toString() + '=' + record.value?.toString('hex'))
      console.log('N reopened', ks); await wal.close()
    }, e => console.log('N reopen', e.code, e.message))
  }
})

it('N3 store put of wrong types', async () => {
  const disk = new CrashableFileSystem()
  const s = await openLogged(logOn(disk), memoryLevel())
  for (const bad of [123, new ArrayBuffer(10), new Uint16Array([1,2,300])]) await s.put('k', bad as never).then(async () => console.log('N3 ok', await s.get('k')), e => console.log('N3', e.message))
  await s.close()
})

it('H iterator sync throw leaks pin', async () => {
  const fs = new CrashableFileSystem()
  let broken = false
  const codec = { id: 213, name: 'c213', compress: async (d: Uint8Array) => d.subarray(0, 1), decompress: async () => { throw new Error('x') },
    compressSync: (d: Uint8Array) => Uint8Array.of(d[0]!), decompressSync: (d: Uint8Array, n: number) => { if (broken) throw new Error('no'); return new Uint8Array(n).fill(d[0]!) } }
  registerCodec(codec as never)
  const { wal } = await Wal.open({ dir: '/log', fs, meter: false, codec: 'none', blockBytes: 1024, segmentBytes: 1300 })
  await wal.appendBatch([Record.put('a', 'x'), Record.put('b', Buffer.alloc(500, 7), { codec: codec as never })])
  for (let i = 0; i < 5; i++) await wal.append(Record.put('k' + i, noise(1000)))
  broken = true
  const it1 = wal.read()
  console.log('H first', (await it1.next()).value?.record.key.toString())
  try { const p = it1.next(); await p.catch(e => console.log('H rejected', e.code)) } catch (e: any) { console.log('H threw SYNC', e.code) }
  console.log('H deleted after throw (expect 4+)', await wal.deleteSegmentsBefore(wal.position))
  const seen = []
  try { for await (const { record } of wal.read()) seen.push(record.key.toString()) } catch (e: any) { console.log('H for-await', e.code, seen) }
  console.log('H deleted', await wal.deleteSegmentsBefore(wal.position), 'of', wal.stats().segments)
  console.log('H next after error', (await it1.next()).value?.record.key.toString())
  await wal.close()
})

it('G close during delete', async () => {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const { wal } = await Wal.open({ dir: '/log', fs, meter: false, codec: 'none', blockBytes: 1024, segmentBytes: 1152 })
  for (let i = 0; i < 5; i++) await wal.append(Record.put('k' + i, noise(1000)))
  const release = fs.hold('remove')
  const d = wal.deleteSegmentsBefore(wal.position)
  await release.reached
  await Promise.race([wal.close().then(() => console.log('G closed while a delete runs; files', disk.paths())), new Promise(r => setTimeout(r, 300))])
  release()
  console.log('G deleted after close', await d, disk.paths())
})

it('Q mustPrecede cleared by stale saved', async () => {
  const fs = new CrashableFileSystem()
  const backend = new PermanentMemoryLevel()
  const s = await openLogged(logOn(fs, { segmentBytes: 1 << 20 }), backend)
  await s.put('a', Buffer.from('A'))
  // hold the backend's next batch
  let go!: () => void; const gate = new Promise<void>(r => (go = r)); let reached!: () => void; const at = new Promise<void>(r => (reached = r))
  let n = 0
  let killedState: any
  intercept(backend, ['_batch', '_put'], async call => {
    n++
    if (n === 1) { reached(); await gate }
    else if (killedState === undefined) { killedState = { fs: killed(fs), backend: new PermanentMemoryLevel(backend.disk.clone()) } }
    return call.proceed()
  })
  const p1 = s.put('b', Buffer.from('B'))
  await at
  const p2 = s.put('t', Buffer.from('T'), { ttl: 50 })
  go()
  await Promise.all([p1, p2])
  await new Promise(r => setTimeout(r, 80))
  const after = await openLogged(logOn(killedState.fs), killedState.backend)
  console.log('Q get', await after.get('t'), 'has', await after.has('t'), 'keys', await after.keys().all())
  console.log('Q live has', await s.has('t'))
  await after.close(); await s.close()
})

it('S snapshot iterator leak on failing begin', async () => {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const mem = memoryLevel()
  const s = await openLogged(logOn(fs), mem)
  let opened = 0, closed = 0
  const orig = (mem as any).iterator
  ;(mem as any).iterator = function (...a: any[]) { const it = orig.apply(mem, a); opened++; const c = it.close.bind(it); it.close = () => { closed++; return c() }; return it }
  for (let i = 0; i < 3; i++) await s.put('k' + i, noise(500))
  console.log('S before', opened, closed)
  fs.capacity(1)
  for (let i = 0; i < 30; i++) await s.put('x' + i, noise(900)).catch(() => {})
  await new Promise(r => setTimeout(r, 20))
  console.log('S iterators opened', opened, 'closed', closed)
  await s.close()
})
it('lock createWith failing syncDirectory', async () => {
  const disk = new CrashableFileSystem()
  console.log('MarkerState', typeof MarkerState, MemoryLevel.name)
})
