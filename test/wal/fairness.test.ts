import { expect, test } from 'vitest'
import { nodeFileSystem, Record } from '../../src/index.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { keys, openLog } from './open-log.js'

const WRITERS = 1000
const TIMERS = 5

test('timers and immediates get their turn while writers append one after another', async () => {
  const { wal } = await openLog({ dir: temporaryDirectory(), fs: nodeFileSystem, codec: 'none', fsync: 'os' })
  let timers = 0
  let appended = 0
  let stop = false
  const write = async () => {
    while (!stop) {
      await wal.append(Record.put('key', 'value'))
      // So that a log which starves timers fails this test instead of hanging it.
      if (++appended > 3_000_000) stop = true
    }
  }
  const tick = () => {
    // On a busy machine the timers may be quicker than the first round of writers.
    if (++timers >= TIMERS && appended > WRITERS) stop = true
    else setTimeout(tick, 10)
  }
  setTimeout(tick, 10)
  await Promise.all(Array.from({ length: WRITERS }, write))
  expect(timers).toBeGreaterThanOrEqual(TIMERS)
})

test('and a reader of a log follows it', async () => {
  const { wal } = await openLog({ dir: temporaryDirectory(), fs: nodeFileSystem, codec: 'none', fsync: 'os' })
  const following = keys(wal.read({ follow: true }))
  const write = async () => {
    for (let i = 0; i < 300; i++) await wal.append(Record.put('key', 'value'))
  }
  await Promise.all(Array.from({ length: 100 }, write))
  await wal.close()
  expect((await following).length).toBe(100 * 300)
})

test('a log is opened in turns, however little there is to be read from the disk', async () => {
  const { wal, fs } = await openLog({ codec: 'lz4' })
  const zeros = Buffer.alloc(60_000)
  for (let i = 0; i < 2000; i++) void wal.append(Record.put('key', zeros))
  await wal.close()
  let turns = 0
  const count = () => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const { recovery } = await openLog({ fs })
  clearImmediate(counting)
  expect(recovery.records).toBe(2000)
  expect(turns).toBeGreaterThan(2)
})
