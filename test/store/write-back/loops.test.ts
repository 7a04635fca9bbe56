import { expect, it, vi } from 'vitest'
import { MemTable } from '../../../src/memtable/memtable.js'
import { LARGE, NEVER, openWriteBack } from './write-back-store.js'

const COUNT = 10_000
const VALUE = Buffer.from('value')

/** Counts what merging tables moves. */
function countingMoves(): { moved: number } {
  const counter = { moved: 0 }
  const merged = MemTable.merged.bind(MemTable)
  vi.spyOn(MemTable, 'merged').mockImplementation((older, newer) => {
    counter.moved += older.size + newer.size
    return merged(older, newer)
  })
  return counter
}

const name = (i: number) => `k${(i * 7919) % COUNT}`

it('ten thousand keys, some puts and a look at the first key in turn: each entry is moved a few times', async () => {
  const counter = countingMoves()
  const { store } = await openWriteBack({}, undefined, LARGE)
  for (let i = 0; i < COUNT; i += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, next) => store.put(name(i + next), VALUE)))
    await store.keys({ limit: 1 }).next()
  }
  expect(counter.moved).toBeLessThan(COUNT * 40)
  expect(store.stats().memtable!.frozen).toBeLessThan(20)
  expect((await store.keys().all()).length).toBe(COUNT)
  await store.close()
  vi.restoreAllMocks()
})

it('puts and snapshots in turn, each kept until the end', async () => {
  const counter = countingMoves()
  const { store } = await openWriteBack({}, undefined, LARGE)
  const snapshots = []
  for (let i = 0; i < 2000; i++) {
    await store.put(name(i), VALUE)
    if (i % 2 === 0) snapshots.push(store.snapshot())
  }
  expect(counter.moved).toBeLessThan(2000 * 40)
  expect((await store.keys({ snapshot: snapshots[500]! }).all()).length).toBe(1001)
  for (const snapshot of snapshots) await snapshot.close()
  vi.restoreAllMocks()
})

it('ten thousand unawaited puts that fit, iterated, and some written again', async () => {
  const counter = countingMoves()
  const { store } = await openWriteBack({ memtable: { ...NEVER, flushBytes: 300_000 } }, undefined, LARGE)
  await Promise.all(Array.from({ length: COUNT }, (_unused, i) => store.put(name(i), VALUE)))
  for await (const [key, value] of store.iterator({ limit: 2000 })) await store.put(key, value)
  await store.flush()
  expect((await store.keys().all()).length).toBe(COUNT)
  expect(counter.moved).toBeLessThan(COUNT * 40)
  vi.restoreAllMocks()
})
