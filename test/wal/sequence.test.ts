import { expect, test } from 'vitest'
import { comparePositions, type Position, Record } from '../../src/index.js'
import { noise } from '../support/sample-values.js'
import { collect, fill, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

test('numbers start with 1 and go up by one, over frames, batches, segments and reopens', async () => {
  let { wal, fs } = await openLog(TINY_SEGMENTS)
  expect(wal.nextSequence).toBe(1)
  for (let round = 0; round < 3; round++) {
    await fill(wal, 3)
    await Promise.all([
      wal.append(Record.put('a', '')),
      wal.appendBatch([Record.put('b', ''), Record.delete('c')]),
      wal.append(Record.put('d', noise(3000)))
    ])
    expect(wal.nextSequence).toBe(7 * (round + 1) + 1)
    ;({ wal, fs } = await reopened(wal, { ...TINY_SEGMENTS, fs }))
    expect(wal.nextSequence).toBe(7 * (round + 1) + 1)
  }
  const sequences = (await collect(wal.read())).map(({ record }) => record.sequence)
  expect(sequences).toEqual(Array.from({ length: 21 }, (_, i) => i + 1))
})

test('nextSequence counts what is written, not what was appended', async () => {
  const { wal } = await openLog()
  const appended = wal.append(Record.put('a', ''))
  expect(wal.nextSequence).toBe(1)
  await appended
  expect(wal.nextSequence).toBe(2)
})

test('positions ascend, and name the same records after a reopen', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  const positions: Position[] = []
  for (let i = 0; i < 10; i++) {
    const batch = wal.appendBatch([Record.put(`${i}a`, noise(100)), Record.put(`${i}b`, noise(300))])
    positions.push(...(await batch), await wal.append(Record.put(`${i}c`, '')))
  }
  expect([...positions].sort(comparePositions)).toEqual(positions)
  expect(new Set(positions.map(({ segment }) => segment)).size).toBeGreaterThan(3)
  expect((await collect(wal.read())).map(({ position }) => position)).toEqual(positions)
  const again = await reopened(wal, { ...TINY_SEGMENTS, fs })
  expect((await collect(again.wal.read())).map(({ position }) => position)).toEqual(positions)
})

test('the log says where the next record will lie', async () => {
  const { wal, fs } = await openLog()
  for (let i = 0; i < 3; i++) {
    const expected = wal.position
    expect(await wal.append(Record.put('k', noise(10 * i)))).toEqual(expected)
  }
  const again = await reopened(wal, { fs })
  const { position } = again.wal
  expect(position.segment).toBe(2)
  expect(await again.wal.append(Record.put('k', ''))).toEqual(position)
})

test('records that share a frame differ in their index', async () => {
  const { wal } = await openLog()
  const positions = await Promise.all(['a', 'b', 'c'].map(key => wal.append(Record.put(key, ''))))
  const { segment, offset } = positions[0]!
  expect(positions).toEqual([0, 1, 2].map(index => ({ segment, offset, index })))
})

test('opening and closing without an append changes nothing', async () => {
  let { wal, fs } = await openLog()
  await fill(wal, 3)
  await wal.close()
  const before = (await fs.list('/log')).sort()
  for (let i = 0; i < 3; i++) {
    ;({ wal } = await openLog({ fs }))
    await wal.close()
  }
  expect((await fs.list('/log')).sort()).toEqual(before)
})
