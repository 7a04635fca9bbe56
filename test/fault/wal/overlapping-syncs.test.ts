import { describe, expect, test } from 'vitest'
import { FRAME_SYNCED_OFFSET_AT, readU64, SEGMENT_HEADER_BYTES } from '../../../src/wal/format/format.js'
import { Record } from '../../../src/wal/format/record.js'
import type { Wal } from '../../../src/wal/wal.js'
import type { Unsynced } from '../../support/crashable-disk.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { powerCut } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'
import { DIRECTORY, openLog } from './log-disk.js'

const MIB = 1024 * 1024
const LARGE = noise(5 * MIB)
const SMALL = Buffer.from('small')
const SEGMENT = `${DIRECTORY}/000001.wal`

/** A log with two fsyncs under way, begun by itself because so much had been written; both are held. */
async function withTwoUnderWay() {
  const memory = new CrashableFileSystem()
  const fs = new FaultyFileSystem(memory)
  const { wal } = await openLog(fs, { codec: 'none' })
  await wal.append(Record.put('0', SMALL))
  const first = fs.hold('sync')
  await wal.append(Record.put('1', LARGE))
  await wal.append(Record.put('2', LARGE))
  await first.reached
  const second = fs.hold('sync')
  await wal.append(Record.put('3', LARGE))
  await wal.append(Record.put('4', LARGE))
  await second.reached
  return { memory, fs, wal, first, second }
}

/** Up to where a frame that is written now says that all is on stable storage. */
async function vouchedFor(wal: Wal, memory: CrashableFileSystem): Promise<number> {
  const { offset } = await wal.append(Record.put('later', SMALL))
  return readU64(memory.file(SEGMENT), offset + FRAME_SYNCED_OFFSET_AT)
}

async function keysOf(wal: Wal): Promise<string[]> {
  const keys: string[] = []
  for await (const { record } of wal.read()) keys.push(record.key.toString())
  return keys
}

describe('two fsyncs under way', () => {
  test('vouch for what they cover only when both have succeeded', async () => {
    const { memory, wal, first, second } = await withTwoUnderWay()
    const { offset } = wal.position
    const synced = wal.sync()
    const state = track(synced)
    second()
    await turns(20)
    expect(state.settled).toBe(false)
    expect(await vouchedFor(wal, memory)).toBe(SEGMENT_HEADER_BYTES)
    first()
    await synced
    expect(await vouchedFor(wal, memory)).toBeGreaterThanOrEqual(offset)
    await wal.close()
  })

  test.each(['the first', 'the second'])('%s fails, the other succeeds: nothing counts as synced', async failing => {
    for (const failsFirst of [true, false]) {
      const { memory, fs, wal, first, second } = await withTwoUnderWay()
      const synced = wal.sync()
      synced.catch(() => {})
      const [bad, good] = failing === 'the first' ? [first, second] : [second, first]
      const fail = async () => {
        fs.fail('sync', { code: 'EIO' })
        bad()
        await turns(20)
      }
      if (failsFirst) await fail()
      good()
      await turns(20)
      if (!failsFirst) await fail()
      await expect(synced).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR', cause: { code: 'EIO' } })
      await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
      await expect(wal.append(Record.put('later', SMALL))).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
      await wal.close()
      expect(memory.openHandles).toBe(0)
      const { wal: again } = await openLog(powerCut(memory, 'all'))
      expect(await keysOf(again)).toEqual(['0', '1', '2', '3', '4'])
      await again.close()
    }
  })

  test('are waited for by close', async () => {
    const { memory, wal, first, second } = await withTwoUnderWay()
    const closed = wal.close()
    const state = track(closed)
    second()
    await turns(20)
    expect(state.settled).toBe(false)
    first()
    await closed
    const { wal: again, recovery } = await openLog(powerCut(memory, 'none'))
    expect(recovery.bytesTruncated).toBe(0)
    expect(await keysOf(again)).toEqual(['0', '1', '2', '3', '4'])
    await again.close()
  })

  // How many turns the first and the second take: so either is done first.
  test.each([
    [60, 5],
    [30, 60]
  ])('a crash at any step loses nothing that was promised (%i turns and %i)', async (...delays) => {
    const losses: readonly Unsynced[] = ['all', 'none', 'some']
    let overlapped = false
    for (let step = 1; ; step++) {
      const fs = new CrashableFileSystem()
      let underWay = 0
      fs.delaySyncs(async () => {
        overlapped ||= underWay++ > 0
        await turns(delays[underWay - 1])
        underWay--
      })
      const { wal } = await openLog(fs, { codec: 'none' })
      fs.crashAt(fs.steps + step, { midway: step % 2 === 0 })
      let durable = 0
      const died = await writeAll(wal, synced => (durable = synced)).then(
        () => false,
        () => true
      )
      for (const unsynced of losses) {
        const { wal: again } = await openLog(powerCut(fs, unsynced, step)).catch((error: unknown) => {
          throw new Error(`step ${step}, unsynced ${unsynced}`, { cause: error })
        })
        const keys = await keysOf(again)
        expect(keys, `step ${step}, unsynced ${unsynced}`).toEqual(keys.map((_, i) => String(i)))
        expect(keys.length, `step ${step}, unsynced ${unsynced}`).toBeGreaterThanOrEqual(durable)
        await again.close()
      }
      if (!died) break
    }
    expect(overlapped).toBe(true)
  })
})

test('what was being written when an fsync failed is not acknowledged', async () => {
  const { memory, fs, wal, first, second } = await withTwoUnderWay()
  const writing = fs.hold('write')
  const appended = wal.append(Record.put('5', LARGE))
  await writing.reached
  fs.fail('sync', { code: 'EIO' })
  first()
  second()
  await turns(20)
  writing()
  await expect(appended).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR', cause: { code: 'EIO' } })
  await wal.close()
  expect(memory.openHandles).toBe(0)
})

/** @param onDurable told how many records are on stable storage for sure */
async function writeAll(wal: Wal, onDurable: (records: number) => void): Promise<void> {
  for (let i = 0; i < 5; i++) await wal.append(Record.put(String(i), LARGE))
  await wal.append(Record.put('5', SMALL), { sync: true })
  onDurable(6)
  await wal.append(Record.put('6', SMALL))
  await wal.close()
  onDurable(7)
}
