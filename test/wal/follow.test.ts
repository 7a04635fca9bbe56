import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { type Position, Record, type Wal, type WalEntry } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { track, turns } from '../support/turns.js'
import { fill, keys, numbered, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

/** Far above what a busy machine takes, and below the limit of a test. */
const SOON_MS = 30_000

/** So that a reader nobody wakes fails its test, and not the whole run. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Nothing came')), SOON_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The keys of all that a follower gets. */
function following(wal: Wal, from?: Position | number): Promise<string[]> {
  const all = keys(wal.read({ from, follow: true }))
  all.catch(() => {}) // Whoever awaits it hears of it, later.
  return all
}

test.for([
  { name: 'one segment', options: {} },
  { name: 'a segment a record', options: TINY_SEGMENTS },
  { name: 'every append synced', options: { fsync: 'always' } }
] as const)('a follower gets what was there and what is appended later ($name)', async ({ options }) => {
  const { wal } = await openLog(options)
  await fill(wal, 5)
  const followers = [following(wal), following(wal, 4)]
  await turns(20)
  for (let i = 0; i < 10; i++) {
    await fill(wal, 3)
    if (i % 3 === 0) await turns(5)
  }
  const late = following(wal, wal.position)
  await turns()
  await fill(wal, 2)
  await wal.close()
  expect(await soon(followers[0]!)).toEqual(numbered(1, 37))
  expect(await soon(followers[1]!)).toEqual(numbered(4, 37))
  expect(await soon(late)).toEqual(numbered(36, 37))
})

test('it gets each record as soon as it is appended, not a frame later', async () => {
  const { wal } = await openLog()
  const reader = wal.read({ follow: true })
  for (let i = 1; i <= 20; i++) {
    const next = reader.next()
    const state = track(next)
    await turns()
    expect(state.settled).toBe(false)
    await fill(wal, 1)
    expect((await soon(next)).value?.record.sequence).toBe(i)
  }
})

test('it begins in an empty log, and at the end of one that was opened again', async () => {
  let { wal, fs } = await openLog(TINY_SEGMENTS)
  for (let round = 0; round < 3; round++) {
    const reader = wal.read({ from: wal.nextSequence, follow: true })
    const next = reader.next()
    await turns()
    await fill(wal, 1)
    expect((await soon(next)).value?.record.sequence).toBe(round + 1)
    ;({ wal, fs } = await reopened(wal, { ...TINY_SEGMENTS, fs }))
    expect(await soon(reader.next())).toEqual({ done: true, value: undefined })
  }
})

test('whatever moment of its looking for more an append falls into, it is woken', async () => {
  const { wal } = await openLog({ fsync: 'os', codec: 'none' })
  await fill(wal, 1)
  const reader = wal.read({ follow: true })
  await reader.next()
  for (let microtasks = 0; microtasks < 80; microtasks++) {
    const next = await new Promise<{ found: Promise<IteratorResult<WalEntry, undefined>> }>(resolve => {
      setImmediate(() => {
        void wal.append(Record.put('k', String(microtasks)))
        let left = microtasks
        const later = () => (left-- > 0 ? queueMicrotask(later) : resolve({ found: reader.next() }))
        later()
      })
    })
    const { value } = await soon(next.found)
    expect(value?.record.value?.toString()).toBe(String(microtasks))
  }
})

test('closing the log ends it after the last record', async () => {
  const { wal } = await openLog()
  const waiting = following(wal)
  await turns()
  const appended = wal.append(Record.put('last', ''))
  await Promise.all([appended, wal.close()])
  expect(await soon(waiting)).toEqual(['last'])
})

test('a signal ends it with its reason, waiting or not', async () => {
  const { wal } = await openLog()
  await fill(wal, 2)
  const reason = { any: 'thing' }
  const controller = new AbortController()
  const seen: number[] = []
  const loop = async (log: Wal) => {
    for await (const { record } of log.read({ follow: true, signal: controller.signal })) seen.push(record.sequence)
  }
  const ended = loop(wal)
  const state = track(ended)
  while (seen.length < 2) await turns(1)
  await turns()
  expect(state.settled).toBe(false)
  controller.abort(reason)
  await expect(soon(ended)).rejects.toBe(reason)
  await expect(soon(loop(wal))).rejects.toBe(reason)
  expect(seen).toEqual([1, 2])
})

test('a signal is left with no listener, however often its follower waited', async () => {
  const { wal } = await openLog()
  const { signal } = new AbortController()
  const reader = wal.read({ follow: true, signal })
  for (let i = 1; i <= 5; i++) {
    const next = reader.next()
    await turns()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await fill(wal, 1)
    await soon(next)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  }
  await reader.return!()
})

test('a signal has one listener, however many followers share it, and ends them all', async () => {
  const { wal } = await openLog()
  const controller = new AbortController()
  const { signal } = controller
  const readers = Array.from({ length: 20 }, () => wal.read({ follow: true, signal }))
  const alone = wal.read({ follow: true })
  const waiting = readers.map(reader => reader.next())
  const aloneWaits = alone.next()
  await turns()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  await readers[0]!.return!()
  await turns()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  controller.abort('enough')
  expect(await soon(failures(waiting))).toEqual([undefined, ...Array.from({ length: 19 }, () => 'enough')])
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  await fill(wal, 1)
  expect((await soon(aloneWaits)).value?.record.sequence).toBe(1)
  await alone.return!()
})

test('leaving the loop lets go of the log', async () => {
  const { wal } = await openLog(TINY_SEGMENTS)
  await fill(wal, 3)
  for await (const { record } of wal.read({ follow: true })) if (record.sequence === 3) break
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(2)
})

test('return() ends a call of next() that waits', async () => {
  const { wal } = await openLog()
  await fill(wal, 1)
  const reader = wal.read({ follow: true })
  await reader.next()
  const waiting = reader.next()
  await turns()
  await reader.return!()
  expect(await soon(waiting)).toEqual({ done: true, value: undefined })
})

test('what a follower appends for each record it gets is its own to read', async () => {
  const { wal } = await openLog({ segmentBytes: 2048, blockBytes: 1024 })
  await fill(wal, 1, 10)
  for await (const { record } of wal.read({ follow: true })) {
    if (record.sequence === 200) break
    await fill(wal, 1, 10)
  }
  expect(wal.nextSequence).toBe(201)
})
