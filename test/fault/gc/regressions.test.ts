import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Gc, type GcDecision, Lz4Gc, NoGc, none, unwrap, Wal, Record, zstd } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { filled, markerIn, MODES, openAfterKill, openMode } from '../../support/gc-store.js'
import { contents, logOn, memoryLevel, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { LAZY, MemoryMachine, until } from '../write-back/machine.js'

const VALUE = Buffer.from('v')
const PLAIN = Array.from(
  { length: 600 },
  (_, i) => [`k${String(i).padStart(3, '0')}`, Buffer.from(`plain ${i}`)] as const
)
const wrongIn = async (store: Store) => {
  const wrong: string[] = []
  for (const [key, value] of PLAIN) {
    const found = await store.get(key).catch((error: unknown) => (error as { code: string }).code)
    if (String(found) !== value.toString()) wrong.push(`${key}: ${String(found)}`)
  }
  return wrong.slice(0, 3)
}
const stoppedBehindAChunk = async (store: Store, policy: Gc) => {
  const stop = new AbortController()
  await store.gc.run({ policy, signal: stop.signal, onProgress: () => stop.abort() })
}

describe('over memory-level with a log, which has no rewrites', () => {
  it.each(['write-back', 'logged'] as const)(
    '%s: plain values read right after a crash behind a complete sweep',
    async mode => {
      const opened = await openMode(mode, await filled(PLAIN, memoryLevel()))
      expect(await opened.store.gc.run()).toMatchObject({ enveloped: 600, complete: true })
      await opened.store.put('x', VALUE) // Carries the marker into the log.
      await opened.store.sync()
      expect(await wrongIn((await openAfterKill(opened)).store)).toEqual([])
    }
  )

  it.each(['write-back', 'logged'] as const)('%s: the same after a clean close', async mode => {
    const opened = await openMode(mode, await filled(PLAIN, memoryLevel()))
    await opened.store.gc.run()
    await opened.store.put('x', VALUE)
    await opened.store.close()
    expect(await wrongIn((await openAfterKill(opened)).store)).toEqual([])
  })

  it('a sweep resumed after a crash sweeps the part that came back plain again', async () => {
    const opened = await openMode('logged', await filled(PLAIN, memoryLevel()))
    await stoppedBehindAChunk(opened.store, new NoGc())
    await opened.store.put('x', VALUE)
    const second = await openAfterKill(opened)
    expect(await second.store.gc.run({ policy: new NoGc() })).toMatchObject({ complete: true })
    await second.store.put('y', VALUE)
    expect(await wrongIn((await openAfterKill(second)).store)).toEqual([])
  })

  it('crashed anywhere behind the sweep', async () => {
    for (let step = 1; ; step++) {
      const machine = new MemoryMachine(undefined, [
        ['a', 'plain'],
        ['b', 'plain as well']
      ])
      const died = await until(machine, undefined, async open => {
        const store = await open({ memtable: LAZY })
        await store.put('x', VALUE)
        await store.sync()
        machine.die({ at: 'file', when: 'before', step: machine.steps('file') + step })
        await store.gc.run({ policy: new Lz4Gc() })
        await store.put('y', VALUE)
        await store.sync()
        if (!machine.isDead()) await store.close()
      })
      const store = await machine.afterKill().open({ memtable: LAZY })
      expect((await contents(store)).slice(0, 2), `step ${step}`).toEqual([
        ['a', 'plain'],
        ['b', 'plain as well']
      ])
      await store.close()
      if (!died) break
    }
  })
})

describe('a sweep that is the first to write stores its guard first', () => {
  it.each(MODES)('%s: stopped, by a policy without an id, and closed', async mode => {
    const { store, backend, fs } = await openMode(mode, await filled(PLAIN))
    await stoppedBehindAChunk(store, { process: () => ({ action: 'keep' }) })
    await store.close()
    const again = await openMode(mode, backend, {}, fs)
    expect(await wrongIn(again.store)).toEqual([]) // Envelopes are handed out as values.
  })

  it.each(MODES)('%s: killed behind the first chunk', async mode => {
    const opened = await openMode(mode, await filled(PLAIN))
    let after: Promise<Awaited<ReturnType<typeof openAfterKill>>> | undefined
    await opened.store.gc.run({ policy: new NoGc(), onProgress: () => void (after ??= openAfterKill(opened)) })
    expect(await wrongIn((await after!).store)).toEqual([])
  })

  it.each(MODES)('%s: a backend that fails the second chunk', async mode => {
    const opened = await openMode(mode, await filled(PLAIN))
    const { store, backend } = opened
    const { disk } = backend as PermanentMemoryLevel
    disk.crashAt(disk.steps + 2)
    await store.gc.run().catch(() => {})
    const again = await openAfterKill({ ...opened, backend: new PermanentMemoryLevel(disk.clone()) })
    expect(await wrongIn(again.store)).toEqual([])
  })
})

const sweepWith = async (decision: (raw: Buffer) => unknown) => {
  const { store, backend } = await openMode('write-through')
  await store.put('a', text(5000))
  await store.put('b', text(5000), { codec: 'none' })
  const policy: Gc = {
    process: async value => decision(await value.raw()) as GcDecision
  }
  const report = await store.gc.run({ policy }).catch((error: unknown) => error)
  return { store, backend, report }
}

describe('what a custom policy decides is checked', () => {
  it('recompress with none() stores the value raw', async () => {
    const { store } = await sweepWith(compressed => ({ action: 'recompress', codec: none(), compressed }))
    expect(await store.get('a')).toEqual(text(5000))
  })

  it('recompress with a codec that was never registered counts as failed', async () => {
    const codec = { ...none(), id: 222, name: 'unknown' }
    const { store } = await sweepWith(compressed => ({ action: 'recompress', codec, compressed }))
    expect(await store.get('a')).toEqual(text(5000))
  })

  it('recompress without bytes: counted as failed, the others go on', async () => {
    const { report } = await sweepWith(() => ({ action: 'recompress', codec: none(), compressed: undefined }))
    expect(report).toMatchObject({ failed: 2, complete: true })
  })

  it.each(['recompress', 'probed'])('%s with the name of a codec: counted as failed', async action => {
    const { store, report } = await sweepWith(compressed => ({ action, codec: 'zstd', compressed }))
    expect(report).toMatchObject({ failed: 2, complete: true })
    expect(await store.get('a')).toEqual(text(5000))
  })

  it.each([999, 70_000, -1, 'x', null])(
    'recompress with %j for a dictionary, which was not offered: counted as failed',
    async dictionary => {
      const { store, report } = await sweepWith(compressed => ({
        action: 'recompress',
        codec: zstd(),
        compressed: zstd().compressSync!(compressed),
        dictionary
      }))
      expect(report).toMatchObject({ failed: 2, complete: true })
      expect(await store.get('a')).toEqual(text(5000))
    }
  )

  it('an unknown action: counted as failed', async () => {
    const { report } = await sweepWith(() => ({ action: 'bogus' }))
    expect(report).toMatchObject({ failed: 2, complete: true })
  })

  it('no decision at all, of a plain value: it gets an envelope all the same, and is read', async () => {
    const { store, backend } = await openMode('write-through', await filled([['a', VALUE]]))
    await store.gc.run({ policy: { process: () => undefined as never } })
    await store.close()
    const again = await openMode('write-through', backend)
    expect(await again.store.get('a')).toEqual(VALUE)
    expect((await markerIn(backend))?.plainValues).toBe(false)
  })
})

describe('the cache forgets what a sweep removed because it had expired', () => {
  afterEach(() => void vi.useRealTimers())

  it.each(MODES)('%s: the clock steps back behind the sweep', async mode => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    const { store } = await openMode(mode, undefined, { cacheBytes: 1 << 20 })
    await store.put('k', VALUE, { ttl: 1000 })
    await store.flush()
    await store.get('k')
    vi.setSystemTime(1_700_000_002_000)
    expect(await store.gc.run()).toMatchObject({ expired: 1 })
    vi.setSystemTime(1_700_000_000_500)
    expect([(await store.get('k')) !== undefined, await store.has('k')]).toEqual([false, false])
  })
})

describe('unwrap()', () => {
  it('of a database that was never wrapped leaves a log alone that is not its own', async () => {
    const dir = temporaryDirectory()
    const { wal } = await Wal.open({ dir })
    await wal.append(Record.put(VALUE, VALUE))
    await wal.close()
    await unwrap(await filled([['a', VALUE]]), { wal: dir })
    const again = await Wal.open({ dir })
    expect(again.recovery.records).toBe(1)
    await again.wal.close()
  })

  it('with a file system of its own does not touch the real one', async () => {
    const dir = temporaryDirectory()
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, '000001.wal'), 'of somebody else')
    const fs = new CrashableFileSystem()
    const wal = { ...logOn(fs), dir }
    const { store, backend } = await openMode('write-through')
    await store.put('k', VALUE)
    await store.close()
    await unwrap(backend, { wal })
    const { readdirSync } = await import('node:fs')
    expect(readdirSync(dir)).toEqual(['000001.wal'])
  })

  it('of a database that is open in a store says LEVEL_LOCKED itself, not in its cause', async () => {
    const { store, backend } = await openMode('write-through')
    await store.put('k', VALUE)
    await expect(unwrap(backend)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
  })
})

describe('intervals and rates that no timer takes', () => {
  it.each([Infinity, 2 ** 31])('start(%s) is refused: a timer would sweep every millisecond', async ms => {
    const { store } = await openMode('write-through')
    expect(() => store.gc.start(ms)).toThrow(expect.objectContaining({ code: 'CKV_INVALID_OPTION' }))
    await store.close()
  })

  it('a tiny bytesPerSecond is a long pause, not none', async () => {
    const { store } = await openMode('write-through')
    for (let i = 0; i < 600; i++) await store.put(`k${i}`, noise(2000, i + 1))
    const sweeping = store.gc.run({ bytesPerSecond: 0.0001 })
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(store.gc.isRunning).toBe(true)
    await store.gc.stop()
    await sweeping
  })
})
