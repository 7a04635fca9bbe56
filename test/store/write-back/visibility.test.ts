import { describe, expect, it } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { contents, logOn, openLogged } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'
import { afterKill, BACKENDS, keysIn, NEVER, openWriteBack } from './write-back-store.js'

const OLD = Buffer.from('old')
const NEW = Buffer.from('new')

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  it('a put resolves when the log has it, while the backend has nothing', async () => {
    const opened = await openWriteBack({}, backendOf())
    await opened.store.put('k', NEW)
    expect(await keysIn(opened.backend)).toEqual([])
    expect(await contents(await afterKill(opened))).toEqual([['k', 'new']])
  })

  it('a put does not resolve, and is not seen, before it is in the log', async () => {
    const fs = new FaultyFileSystem(new CrashableFileSystem())
    const store = await openLogged(logOn(fs, { fsync: 'always' }), backendOf(), { memtable: NEVER })
    await store.put('k', OLD)
    const release = fs.hold('sync')
    const put = store.put('k', NEW)
    const del = store.del('other')
    const states = [track(put), track(del)]
    await release.reached
    await turns()
    expect(states.map(state => state.settled)).toEqual([false, false])
    expect(await store.get('k')).toEqual(OLD)
    expect(store.stats().writes.pending).toBe(2)
    release()
    await Promise.all([put, del])
    expect(await store.get('k')).toEqual(NEW)
    expect(store.stats().writes.pending).toBe(0)
  })

  it('every read sees what only the tables have', async () => {
    const { store, backend } = await openWriteBack({}, backendOf())
    const large = text(200_000)
    await store.put('a', NEW)
    await store.batch([
      { type: 'put', key: 'b', value: large },
      { type: 'put', key: 'empty', value: Buffer.alloc(0) }
    ])
    await store.batch().put('c', NEW).del('d').write()
    expect(await store.get('a')).toEqual(NEW)
    expect((await store.get('b'))!.equals(large)).toBe(true)
    expect(store.getSync('b')!.equals(large)).toBe(true)
    expect(store.getSync('empty')!.length).toBe(0)
    expect(store.getSync('d')).toBeUndefined()
    expect(await store.getMany(['c', 'nothing', 'a', 'c'])).toEqual([NEW, undefined, NEW, NEW])
    expect(await store.has('b')).toBe(true)
    expect(await store.has('nothing')).toBe(false)
    expect(await store.hasMany(['nothing', 'empty', 'd'])).toEqual([false, true, false])
    expect((await store.iterator().all()).map(([key, value]) => [key, value.length])).toEqual([
      ['a', 3],
      ['b', large.length],
      ['c', 3],
      ['empty', 0]
    ])
    expect(await store.keys().all()).toEqual(['a', 'b', 'c', 'empty'])
    expect((await store.values().all()).map(value => value.length)).toEqual([3, large.length, 3, 0])
    expect(await keysIn(backend)).toEqual([])
  })

  it('a newer value hides the older one, in the table and in the backend', async () => {
    const { store } = await openWriteBack({}, backendOf())
    await store.put('k', OLD)
    await store.put('k', Buffer.from('newer'))
    expect(await store.get('k')).toEqual(Buffer.from('newer'))
    await store.flush()
    await store.put('k', NEW)
    expect(await store.get('k')).toEqual(NEW)
    expect(store.getSync('k')).toEqual(NEW)
    expect(await store.getMany(['k'])).toEqual([NEW])
    expect(await store.values().all()).toEqual([NEW])
    await store.flush()
    expect(await store.get('k')).toEqual(NEW)
  })

  it('a delete, and a clear, hide what the backend has, before and after a flush', async () => {
    const { store, backend } = await openWriteBack({}, backendOf())
    for (const key of 'abcd') await store.put(key, OLD)
    await store.flush()
    await store.del('a')
    await store.clear({ gte: 'c' })
    await store.put('d', NEW)
    const keys = 'abcd'.split('')
    for (const flushed of [false, true]) {
      if (flushed) await store.flush()
      expect(await store.get('a')).toBeUndefined()
      expect(store.getSync('c')).toBeUndefined()
      expect(await store.getMany(keys)).toEqual([undefined, OLD, undefined, NEW])
      expect(await store.hasMany(keys)).toEqual([false, true, false, true])
      expect(await store.keys().all()).toEqual(['b', 'd'])
      expect(await keysIn(backend)).toEqual(flushed ? ['b', 'd'] : keys)
    }
  })

  it('what is on its way to the backend, partly there, is seen as it was written', async () => {
    const backend = backendOf()
    const { store } = await openWriteBack({ codec: 'none' }, backend)
    const value = text(700_000) // A backend batch has room for one.
    const keys = ['a', 'b', 'c']
    for (const key of keys) await store.put(key, value)
    let partly = 0
    store.on('flush', () => (partly = -1))
    const flush = store.flush()
    while (partly >= 0) {
      await turns(1)
      const inBackend = await keysIn(backend)
      if (inBackend.length > 0 && inBackend.length < 3) partly++
      expect(await store.keys().all()).toEqual(keys)
      expect(await store.hasMany(keys)).toEqual([true, true, true])
      expect((await store.getMany(keys)).every(found => found!.equals(value))).toBe(true)
    }
    await flush
    expect(await store.keys().all()).toEqual(keys)
  })

  it('sublevels write and read through the tables', async () => {
    const { store, backend } = await openWriteBack({}, backendOf())
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sub.put('k', OLD)
    await store.flush()
    await sub.put('l', NEW)
    await store.batch([{ type: 'put', sublevel: sub, key: 'm', value: NEW }])
    expect(await sub.keys().all()).toEqual(['k', 'l', 'm'])
    expect(await sub.getMany(['k', 'm'])).toEqual([OLD, NEW])
    expect(await store.get('!sub!l')).toEqual(NEW)
    await sub.clear({ lt: 'm' })
    expect(await sub.keys().all()).toEqual(['m'])
    expect(await keysIn(backend)).toEqual(['!sub!k'])
  })
})
