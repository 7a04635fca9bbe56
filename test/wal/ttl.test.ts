import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Record } from '../../src/index.js'
import { thrownCode } from '../support/thrown-code.js'
import { collect, openLog, reopened } from './open-log.js'

const NOW = Date.UTC(2026, 0, 1)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

test('a ttl is kept as the moment it ends, and the record stays readable after it', async () => {
  const { wal, fs } = await openLog()
  await wal.appendBatch([Record.put('a', 'v', { ttl: 1000 }), Record.put('b', 'v'), Record.put('c', 'v', { ttl: 0.5 })])
  vi.setSystemTime(NOW + 1_000_000)
  const again = await reopened(wal, { fs })
  const records = (await collect(again.wal.read())).map(({ record }) => record)
  expect(records.map(({ expiresAt }) => expiresAt)).toEqual([NOW + 1000, undefined, NOW + 1])
  expect(records.map(({ value }) => value?.toString())).toEqual(['v', 'v', 'v'])
  expect(Object.hasOwn(records[1]!, 'expiresAt')).toBe(false)
})

test('a ttl goes with a codec', async () => {
  const { wal } = await openLog()
  const at = await wal.append(Record.put('k', 'v'.repeat(500), { ttl: 5, codec: 'zstd' }))
  expect(await wal.get(at)).toMatchObject({ expiresAt: NOW + 5, value: Buffer.alloc(500, 'v') })
})

test('a record that is copied to another log keeps the moment it ends, also when that is past', async () => {
  const [{ wal }, { wal: other }] = [await openLog(), await openLog()]
  await wal.appendBatch([Record.put('a', 'v', { ttl: 1000 }), Record.put('b', 'v')])
  vi.setSystemTime(NOW + 1_000_000)
  for await (const { record } of wal.read()) {
    await other.append({ ...Record.put(record.key, record.value!), expiresAt: record.expiresAt ?? 0 })
  }
  expect(await collect(other.read())).toMatchObject([
    { record: { expiresAt: NOW + 1000 } },
    { record: { key: Buffer.from('b') } }
  ])
  expect((await other.get(2)).expiresAt).toBeUndefined()
})

test('the longest ttl ends in the last moment that has a place in the log', async () => {
  const { wal } = await openLog()
  const longest = 2 ** 48 - 1 - NOW
  const at = await wal.append(Record.put('k', 'v', { ttl: longest }))
  expect((await wal.get(at)).expiresAt).toBe(2 ** 48 - 1)
  expect(thrownCode(() => Record.put('k', 'v', { ttl: longest + 1 }))).toBe('CKV_INVALID_OPTION')
})

test.for([0, -1, -0, Number.NaN, Infinity, -Infinity, '1000', null, {}, 10n])('%s is no ttl', ttl => {
  expect(thrownCode(() => Record.put('k', 'v', { ttl: ttl as number }))).toBe('CKV_INVALID_OPTION')
})
