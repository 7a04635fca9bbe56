import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'
import { MemTable } from '../../../src/memtable/memtable.js'
import { failing, WRITES } from '../../support/intercept.js'
import { text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { track, turns } from '../../support/turns.js'
import { compiled } from '../../torture/compiled.js'
import { holdWrites, keysIn, manyPuts, NEVER, openWriteBack } from './write-back-store.js'

const VALUE = Buffer.from('value')

it('flush() waits for what was written before it, also when a view merged it with what was written after', async () => {
  const { store, backend } = await openWriteBack()
  await store.put('a', VALUE)
  const gate = holdWrites(backend)
  const first = store.flush()
  await gate.reached
  await store.put('b', VALUE)
  const second = store.flush()
  await turns()
  await store.put('c', VALUE)
  store.iterator() // Merges b's table with c's.
  gate.open()
  await first
  await second
  expect(await keysIn(backend)).toContain('b')
})

it('unawaited puts of twice maxBytes move each entry a few times', async () => {
  const COUNT = 2000
  let moved = 0
  const merged = MemTable.merged.bind(MemTable)
  vi.spyOn(MemTable, 'merged').mockImplementation((older, newer) => {
    moved += older.size + newer.size
    return merged(older, newer)
  })
  const { store } = await openWriteBack({ memtable: { ...NEVER, maxBytes: COUNT * 80 } })
  await Promise.all(manyPuts(store, COUNT))
  vi.restoreAllMocks()
  expect(moved).toBeLessThan(COUNT * 40)
})

it('a clear with maxBytes: Infinity does not stop all writes for ever', async () => {
  const { store } = await openWriteBack({ memtable: { ...NEVER, maxBytes: Infinity } })
  await store.put('a', VALUE)
  await store.clear()
  await store.flush()
  const state = track(store.put('b', VALUE))
  await turns(50)
  expect(state.settled).toBe(true)
})

it('a put that waits for room while a flush is to be tried again settles before the process ends', async () => {
  const program = compiled('test/store/write-back/refused-room.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [program, temporaryDirectory()], { timeout: 20_000 })
  expect(stdout).toBe('settled\n')
})

it('nextv() hands out at most 16 MiB of decoded values, from tables too', async () => {
  const { store } = await openWriteBack({ memtable: { ...NEVER, flushBytes: Infinity } })
  for (let i = 0; i < 10; i++) await store.put(`k${i}`, text(4 * 1024 * 1024))
  expect((await store.iterator().nextv(10)).length).toBe(4)
})

it('flushBytes counts what was written, also when views freeze the table now and then', async () => {
  const { store } = await openWriteBack({ memtable: { ...NEVER, flushBytes: 5000 } })
  for (let i = 0; i < 200; i++) {
    await store.put(`k${i}`, VALUE)
    await store.keys({ limit: 1 }).next()
  }
  await turns(20)
  expect(store.stats().memtable!.flushes.count).toBeGreaterThan(0)
})

it('writers do not wait for the retry of a flush that has succeeded since', async () => {
  const { store, backend } = await openWriteBack({ memtable: { flushIntervalMs: 100_000, maxBytes: 500 } })
  await store.put('a', VALUE)
  const repair = failing(backend, WRITES, new Error('refused'))
  await store.flush().catch(() => {})
  repair()
  await store.flush()
  const state = track(Promise.all(manyPuts(store, 5)))
  await turns(100)
  expect(state.settled).toBe(true)
})

it('the clears that may wait for the backend are bounded, also with maxBytes: 0', async () => {
  const { store, backend } = await openWriteBack({ memtable: { ...NEVER, maxBytes: 0 } })
  const gate = holdWrites(backend)
  const clears = Array.from({ length: 500 }, (_, i) => store.clear({ gte: `k${i}`, lte: `k${i}` }))
  await gate.reached
  await turns(20)
  const { frozen } = store.stats().memtable!
  gate.open()
  await Promise.all(clears)
  expect(frozen).toBeLessThan(80)
})
