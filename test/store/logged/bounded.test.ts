import { describe, expect, it } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import {
  bytesOn,
  contents,
  contentsOf,
  imageOfDisk,
  killed,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  type Store
} from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'
import { turns } from '../../support/turns.js'

const SEGMENT_BYTES = 8192
const VALUE_BYTES = 500
const KEYS = 20

/** Writes each key over and over; returns the most that the log took. */
async function overwrite(store: Store, fs: CrashableFileSystem, rounds: number): Promise<number> {
  let most = 0
  for (let i = 1; i <= rounds * KEYS; i++) {
    await store.put(`k${i % KEYS}`, noise(VALUE_BYTES, i))
    most = Math.max(most, bytesOn(fs))
  }
  return most
}

/** Segments that 100 small writes make, when twenty larger ones were overwritten before. */
const segmentsMade = async (lagging: boolean) => {
  const fs = new CrashableFileSystem()
  const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
  await store.put('first', Buffer.from('1'))
  if (lagging) await store.wal!.read().next()
  await overwrite(store, fs, 10)
  const before = store.stats().wal!.segmentsRolled
  for (let i = 0; i < 100; i++) {
    await store.put('k0', Buffer.of(i))
    await turns(10)
  }
  return store.stats().wal!.segmentsRolled - before
}

describe('over memory-level', () => {
  it('constant overwriting leaves the log as large as what is live asks for, and everything readable', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    const most = await overwrite(store, fs, 40)
    // Twice the live data and a segment, before a snapshot; with it once more, and what is written meanwhile.
    expect(most).toBeLessThan(8 * KEYS * VALUE_BYTES + 4 * SEGMENT_BYTES)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(10)
    const expected = await contents(store)
    expect(expected.length).toBe(KEYS)
    expect(await contentsOf(logOn(killed(fs)))).toEqual(expected)
    expect(await contentsOf(logOn(powerCut(fs, 'all')))).toEqual(expected)
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual(expected)
  })

  it('many short sessions leave few segments, and everything readable', async () => {
    const fs = new CrashableFileSystem()
    const session = async (i: number) => {
      const store = await openLogged(logOn(fs, { segmentBytes: 1e6 }))
      await store.put(`k${i % KEYS}`, Buffer.from(`${i}`))
      await store.close()
    }
    for (let i = 0; i < 150; i++) await session(i)
    expect(Object.keys(imageOfDisk(fs)).length).toBeLessThan(100)
    const expected = await contentsOf(logOn(killed(fs)))
    expect(expected.map(([, value]) => Number(value)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: KEYS }, (_, i) => 130 + i)
    )
  })

  it('deletes, clears and times to live that a snapshot left out stay as they were', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    for (const key of 'abc') await store.put(key, Buffer.from(key))
    await store.put('expires', Buffer.from('x'), { ttl: 1_000_000 })
    await store.del('a')
    await store.clear({ gte: 'b', lt: 'c' })
    await overwrite(store, fs, 10)
    expect((await store.keys().all()).slice(0, 2)).toEqual(['c', 'expires'])
    await expect(store.wal!.get(2)).rejects.toMatchObject({ code: 'CKV_OUT_OF_RANGE' })
    const expected = await contents(store)
    const reopened = await openLogged(logOn(killed(fs)))
    expect(await contents(reopened)).toEqual(expected)
    expect((await reopened.get('expires'))!.toString()).toBe('x')
  })

  it('goes on writing while a snapshot is being written, and all of it is there', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    for (let round = 1; round <= 30; round++) {
      const puts = Array.from({ length: 25 }, (_, i) => store.put(`k${i}`, noise(300, round * 100 + i)))
      await Promise.all([...puts, round % 3 === 0 ? store.clear({ gte: 'k2', lt: 'k3' }) : store.del('k1')])
    }
    const expected = await contents(store)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(5)
    expect(await contentsOf(logOn(killed(fs)))).toEqual(expected)
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual(expected)
  })

  it('numbers go on after a snapshot, a kill and another opening', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    await overwrite(store, fs, 10)
    const { nextSequence } = store.wal!
    await store.close()
    const reopened = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    expect(reopened.wal!.nextSequence).toBe(nextSequence)
    await overwrite(reopened, fs, 10)
    expect(reopened.wal!.nextSequence).toBeGreaterThanOrEqual(nextSequence + 10 * KEYS)
    expect(await contentsOf(logOn(killed(fs)))).toEqual(await contents(reopened))
  })

  it('what a reader is at is kept until it has gone on', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    await store.put('first', Buffer.from('1'))
    const reading = store.wal!.read()
    const read = [(await reading.next()).value!.record.sequence]
    await overwrite(store, fs, 10)
    for await (const { record } of reading) read.push(record.sequence)
    expect(read.length).toBeGreaterThan(10 * KEYS)
    // The first record is the store's own marker, which is not shown.
    expect(read).toEqual(read.map((_, i) => i + 2))
    await overwrite(store, fs, 10)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(0)
  })

  it('a reader that lags does not make every write begin a snapshot', async () => {
    const without = await segmentsMade(false)
    expect(await segmentsMade(true)).toBeLessThanOrEqual(2 * without + 4)
  })

  it('a snapshot that fails costs space, is told, and loses nothing; a later one is made', async () => {
    const disk = new CrashableFileSystem()
    const fs = new FaultyFileSystem(disk)
    const store = await openLogged(logOn(fs, { segmentBytes: SEGMENT_BYTES }))
    const stop = fs.fail('remove', { code: 'EIO', times: Infinity, path: /\.wal$/ })
    await overwrite(store, disk, 6)
    expect(store.stats().wal!.lastGcError).toMatchObject({ code: 'EIO' })
    expect(store.stats().wal!.segmentsDeleted).toBe(0)
    expect(await contentsOf(logOn(killed(disk)))).toEqual(await contents(store))
    stop()
    await overwrite(store, disk, 6)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(0)
    expect(await contentsOf(logOn(killed(disk)))).toEqual(await contents(store))
  })
})

describe('over a permanent backend', () => {
  it('segments that the backend needs no more are deleted, and the log stays at a few', async () => {
    const fs = new CrashableFileSystem()
    const backend = new PermanentMemoryLevel()
    const store = await openLogged(logOn(fs), backend)
    const most = await overwrite(store, fs, 5)
    expect(most).toBeLessThan(6 * 1300)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(20)
    const expected = await contents(store)
    expect(await contentsOf(logOn(killed(fs)), new PermanentMemoryLevel(backend.disk.clone()))).toEqual(expected)
    await store.close()
    expect(Object.keys(imageOfDisk(fs)).length).toBe(1)
    expect(await contentsOf(logOn(fs), new PermanentMemoryLevel(backend.disk))).toEqual(expected)
  })

  it('the log takes less than 4 KiB after a clean close, however much was written', async () => {
    for (let length = 3900; length < 4096; length += 16) {
      const fs = new CrashableFileSystem()
      const store = await openLogged(logOn(fs, { segmentBytes: 1024 ** 2 }), new PermanentMemoryLevel())
      await store.put('k', noise(length))
      await store.close()
      expect(bytesOn(fs), `${length} bytes`).toBeLessThan(4096)
    }
  })

  it('what a crash left in the log goes at the next clean close, though nothing was written since', async () => {
    const fs = new CrashableFileSystem()
    const backend = new PermanentMemoryLevel()
    const store = await openLogged(logOn(fs, { segmentBytes: 1024 ** 2 }), backend)
    await overwrite(store, fs, 2)
    const expected = await contents(store)
    const disk = killed(fs)
    const open = () => openLogged(logOn(disk), new PermanentMemoryLevel(backend.disk))
    const recovered = await open()
    expect(recovered.recovery!.records).toBeGreaterThan(KEYS)
    await recovered.close()
    const left = imageOfDisk(disk)
    expect(bytesOn(disk)).toBeLessThan(VALUE_BYTES)
    const reopened = await open()
    expect(reopened.recovery!.records).toBe(0)
    expect(await contents(reopened)).toEqual(expected)
    await reopened.close()
    expect(imageOfDisk(disk)).toEqual(left)
  })

  it('what a process that was killed in a clean close left in the log goes at the next one, though nothing was written since', async () => {
    let step = 0
    for (let wasKilled = true; wasKilled;) {
      step++
      const fs = new CrashableFileSystem()
      const backend = new PermanentMemoryLevel()
      const store = await openLogged(logOn(fs, { segmentBytes: 1024 ** 2 }), backend)
      await overwrite(store, fs, 2)
      const expected = await contents(store)
      const before = fs.steps
      fs.crashAt(before + step)
      await store.close()
      wasKilled = fs.steps === before + step
      const disk = killed(fs)
      const recovered = await openLogged(logOn(disk), new PermanentMemoryLevel(backend.disk))
      expect(await contents(recovered)).toEqual(expected)
      await recovered.close()
      expect(bytesOn(disk), `killed at step ${step}`).toBeLessThan(VALUE_BYTES)
    }
    expect(step).toBeGreaterThan(5)
  })

  it('what a reader is at is kept until it has gone on', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), new PermanentMemoryLevel())
    await store.put('first', noise(VALUE_BYTES))
    const reading = store.wal!.read()
    expect((await reading.next()).value!.record.sequence).toBe(1)
    await overwrite(store, fs, 2)
    expect(store.stats().wal!.segmentsDeleted).toBe(0)
    let last = 1
    for await (const { record } of reading) expect(record.sequence).toBe(++last)
    expect(last).toBe(2 * KEYS + 1)
    await overwrite(store, fs, 1)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(0)
  })
})

it('a log of a memory-level that lacks its beginning and a snapshot is refused', async () => {
  const fs = new CrashableFileSystem()
  const store = await openLogged(logOn(fs, { segmentBytes: 1300 }), new PermanentMemoryLevel())
  for (let i = 0; i < 10; i++) await store.put(`k${i}`, noise(600, i + 1))
  await store.close()
  await expect(openLogged(logOn(fs), memoryLevel())).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
})
