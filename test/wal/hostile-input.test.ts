import { expect, test } from 'vitest'
import { Record } from '../../src/index.js'
import type { LogRecord } from '../../src/wal/format/record.js'
import { thrownCode } from '../support/thrown-code.js'
import { keys, openLog, reopened } from './open-log.js'

test.each([
  ['a number', 7],
  ['an object', {}],
  ['an ArrayBuffer', new ArrayBuffer(4)],
  ['a DataView', new DataView(new ArrayBuffer(4))],
  ['another typed array', new Uint16Array([1, 2, 300])],
  ['null', null]
])('%s is neither key nor value', (_, data) => {
  expect(thrownCode(() => Record.put('k', data as never))).toBe('CKV_INVALID_OPTION')
  expect(thrownCode(() => Record.put(data as never, 'v'))).toBe('CKV_INVALID_OPTION')
  expect(thrownCode(() => Record.delete(data as never))).toBe('CKV_INVALID_OPTION')
})

test('a record made by hand of what has no length is refused, and the log goes on', async () => {
  const { wal, fs } = await openLog()
  const record: LogRecord = { ...Record.put('k', 'v'), value: {} as never }
  await expect(wal.append(record)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  await wal.append(Record.put('next', 'v'))
  const { wal: again } = await reopened(wal, { fs })
  expect(await keys(again.read())).toEqual(['next'])
})

test.each([Infinity, 2 ** 48, -1, NaN, undefined])(
  'a record made by hand that expires at %s is refused, and leaves nothing of its batch',
  async expiresAt => {
    const { wal, fs } = await openLog()
    const record = { ...Record.put('k', 'v'), expiresAt } as LogRecord
    await expect(wal.append(record)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    await expect(wal.appendBatch([Record.put('before', 'v'), record])).rejects.toMatchObject({
      code: 'CKV_INVALID_OPTION'
    })
    await wal.append(Record.put('next', Buffer.alloc(100_000)))
    const { wal: again } = await reopened(wal, { fs })
    expect(await keys(again.read())).toEqual(['next'])
  }
)
