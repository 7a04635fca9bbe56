import { describe, expect, it } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { openMode } from '../../support/gc-store.js'
import {
  bytesOn,
  contents,
  contentsOf,
  killed,
  logOn,
  memoryLevel,
  openLogged,
  type Store
} from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'

const SEGMENT_BYTES = 8192
const VALUE_BYTES = 500
const KEYS = 40
/** Of a record and its frame, about. */
const OVERHEAD = 1.15

const NOISE = noise(2000)

/** Writes each key over and over; returns the most that the log took. */
async function overwrite(store: Store, fs: CrashableFileSystem, rounds: number): Promise<number> {
  let most = 0
  for (let i = 1; i <= rounds * KEYS; i++) {
    await store.put(`k${i % KEYS}`, NOISE.subarray(i % 1000, (i % 1000) + VALUE_BYTES))
    if (i % 10 === 0) most = Math.max(most, bytesOn(fs))
  }
  return most
}

const MODES = {
  'write-back': { memtable: { flushBytes: 4000, maxBytes: 16_000, flushIntervalMs: 5 } },
  logged: { memtable: false }
} as const
const LIVE = KEYS * VALUE_BYTES * OVERHEAD
const WAL = { segmentBytes: SEGMENT_BYTES, blockBytes: 2048 }

describe.each(Object.entries(MODES))('the log of a %s store under constant overwriting', (mode, options) => {
  it('over memory-level takes three times the live data and two segments at most, and all is in it', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, WAL), memoryLevel(), options)
    const most = await overwrite(store, fs, 30)
    // With a table there is what waits for the backend as well, and what is written while a snapshot is.
    expect(most).toBeLessThan(3 * LIVE + 2 * SEGMENT_BYTES + (mode === 'logged' ? 0 : 2 * 16_000))
    expect(await contentsOf(logOn(killed(fs), WAL), memoryLevel(), options)).toEqual(await contents(store))
    await store.close()
  })

  it('over a permanent backend takes a few segments', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, WAL), new PermanentMemoryLevel(), options)
    expect(await overwrite(store, fs, 15)).toBeLessThan(5 * SEGMENT_BYTES + (mode === 'logged' ? 0 : 16_000))
    await store.close()
  })

  it.each([
    ['memory-level', memoryLevel],
    ['a permanent backend', () => new PermanentMemoryLevel()]
  ])('over %s grows while a reader holds a segment, and shrinks again', async (_, make) => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, WAL), make(), options)
    await store.put('first', noise(VALUE_BYTES))
    const reading = store.wal!.read()
    await reading.next()
    const pinned = await overwrite(store, fs, 15)
    expect(pinned).toBeGreaterThan(15 * LIVE * 0.8)
    let read = 0
    for await (const { record } of reading) read = record.sequence
    expect(read).toBeGreaterThan(15 * KEYS)
    await overwrite(store, fs, 10)
    await store.flush()
    expect(await overwrite(store, fs, 5)).toBeLessThan(3 * LIVE + 3 * SEGMENT_BYTES + 16_000)
    await store.close()
  })

  it.each([
    ['memory-level', memoryLevel],
    ['a permanent backend', () => new PermanentMemoryLevel()]
  ])('over %s shrinks after a deletion of segments that failed', async (_, make) => {
    const disk = new CrashableFileSystem()
    const fs = new FaultyFileSystem(disk)
    const store = await openLogged(logOn(fs, WAL), make(), options)
    fs.fail('remove', { code: 'EBUSY', times: 1, path: /\.wal$/ })
    await overwrite(store, disk, 10)
    expect(store.stats().wal!.lastGcError).toMatchObject({ code: 'EBUSY' })
    expect(await overwrite(store, disk, 10)).toBeLessThan(3 * LIVE + 3 * SEGMENT_BYTES + 16_000)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(5)
    await store.close()
  })

  it('stays so while sweeps run, which are not logged', async () => {
    const { store, fs } = await openMode(mode as keyof typeof MODES, undefined, {
      ...options,
      gc: { intervalMs: 1, policy: { process: async () => ({ action: 'keep' }) } }
    })
    for (let i = 0; i < 30; i++) await store.put(`k${i}`, noise(2000, i + 1), { codec: 'none' })
    await store.flush()
    const before = store.wal!.nextSequence
    const bytes = bytesOn(fs)
    for (let i = 0; i < 3; i++) expect((await store.gc.run({ force: true })).complete).toBe(true)
    await store.gc.run()
    expect(store.wal!.nextSequence).toBe(before)
    expect(bytesOn(fs)).toBeLessThanOrEqual(bytes)
    await store.close()
  })
})

describe('a snapshot in the log', () => {
  it('has nothing of what has expired, and the expiry of the rest', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, WAL))
    for (let i = 0; i < 60; i++) await store.put(`gone${i}`, noise(VALUE_BYTES, i + 1), { ttl: 1 })
    await store.put('a', noise(VALUE_BYTES), { ttl: 1_000_000_000 })
    while (await store.has('gone59')) await new Promise(resolve => setTimeout(resolve, 1))
    await overwrite(store, fs, 8)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(0)
    const backend = memoryLevel()
    const again = await openLogged(logOn(killed(fs), WAL), backend)
    expect((await backend.keys({ gte: 'gone', lt: 'gonf' }).all()).length).toBe(0)
    expect(await again.get('a')).toEqual(noise(VALUE_BYTES))
    const [stored, before] = [await backend.get('a'), await (store.backend as typeof backend).get('a')]
    expect(stored).toEqual(before) // Envelope and all: the expiry is in it.
    await Promise.all([store.close(), again.close()])
  })
})
