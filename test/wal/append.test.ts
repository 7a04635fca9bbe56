import { expect, test } from 'vitest'
import { Record } from '../../src/index.js'
import { noise, text } from '../support/sample-values.js'
import { collect, fingerprint, fingerprints, keys, numbered, openLog, reopened } from './open-log.js'

test('records come back in the order in which they were appended, awaited or not', async () => {
  const { wal, fs } = await openLog({ blockBytes: 1024 })
  await wal.append(Record.put('1', 'first'))
  await Promise.all(numbered(2, 500).map(key => wal.append(Record.put(key, text(50)))))
  expect(await keys(wal.read())).toEqual(numbered(1, 500))
  const again = await reopened(wal, { fs })
  expect(again.recovery.records).toBe(500)
  expect(await keys(again.wal.read())).toEqual(numbered(1, 500))
})

test('what the caller does to its buffers after append returned does not reach the log', async () => {
  const { wal } = await openLog()
  const small = { key: Buffer.from('small'), value: Buffer.from('v') }
  const large = { key: Buffer.alloc(100, 'k'), value: noise(100_000) }
  for (const { key, value } of [small, large]) {
    const before = { key: Buffer.from(key), value: Buffer.from(value) }
    const appended = wal.append(Record.put(key, value))
    key.fill(0)
    value.fill(0)
    const record = await wal.get(await appended)
    expect(fingerprint(record.key)).toBe(fingerprint(before.key))
    expect(fingerprint(record.value)).toBe(fingerprint(before.value))
  }
})

test('a batch and a value that is compressed alone are copied at the call as well', async () => {
  const { wal } = await openLog()
  const value = text(2000)
  const batch = wal.appendBatch([Record.put('a', value), Record.put('b', value, { codec: 'lz4' })])
  value.fill(0)
  await batch
  expect(new Set(await fingerprints(wal.read()))).toEqual(new Set([fingerprint(text(2000))]))
})

test('text is UTF-8', async () => {
  const { wal } = await openLog()
  const at = await wal.append(Record.put('ключ', '値 🙂'))
  const { key, value } = await wal.get(at)
  expect(key).toEqual(Buffer.from('ключ', 'utf8'))
  expect(value).toEqual(Buffer.from('値 🙂', 'utf8'))
})

test('keys and values may be empty, and an empty value is not a delete', async () => {
  const { wal, fs } = await openLog()
  await wal.appendBatch([Record.put('', ''), Record.put('k', ''), Record.put('', 'v'), Record.delete('')])
  const expected = [
    { kind: 'put', tombstone: false, key: Buffer.alloc(0), value: Buffer.alloc(0), sequence: 1 },
    { kind: 'put', tombstone: false, key: Buffer.from('k'), value: Buffer.alloc(0), sequence: 2 },
    { kind: 'put', tombstone: false, key: Buffer.alloc(0), value: Buffer.from('v'), sequence: 3 },
    { kind: 'delete', tombstone: true, key: Buffer.alloc(0), value: undefined, sequence: 4 }
  ]
  expect((await collect(wal.read())).map(({ record }) => record)).toEqual(expected)
  const again = await reopened(wal, { fs })
  expect(await Promise.all([1, 2, 3, 4].map(sequence => again.wal.get(sequence)))).toEqual(expected)
})

test('a delete is read back as a tombstone', async () => {
  const { wal } = await openLog()
  const at = await wal.append(Record.delete('gone'))
  expect(await wal.get(at)).toEqual({
    kind: 'delete',
    tombstone: true,
    key: Buffer.from('gone'),
    value: undefined,
    sequence: 1
  })
})

test.for([
  { than: 'a block', bytes: 5000 },
  { than: 'what a write stages', bytes: 300_000 },
  { than: 'a segment', bytes: 2_000_000 }
])('a record may be larger than $than', async ({ bytes }) => {
  const options = { codec: 'none', blockBytes: 1024, segmentBytes: 1_000_000 } as const
  const { wal, fs } = await openLog(options)
  const values = [noise(10), noise(bytes), noise(20)]
  await Promise.all(values.map(value => wal.append(Record.put('k', value))))
  const check = async (log: typeof wal) => {
    expect(await fingerprints(log.read())).toEqual(values.map(fingerprint))
    expect(fingerprint((await log.get(2)).value)).toBe(fingerprint(values[1]))
  }
  await check(wal)
  const again = await reopened(wal, { ...options, fs })
  await check(again.wal)
})

test('a record that fills its block to the last byte shares it with none', async () => {
  const { wal } = await openLog({ codec: 'none', blockBytes: 1024 })
  const exact = 1024 - (2 + 1 + 2) - 1 // kind, flags, two varints, a key of one byte
  const [a, b, c] = await Promise.all([
    wal.append(Record.put('a', noise(exact))),
    wal.append(Record.put('b', '')),
    wal.append(Record.put('c', ''))
  ])
  expect(b.offset - a.offset).toBe(48 + 1024)
  expect([a.index, b.index, c.index]).toEqual([0, 0, 1])
  expect(c.offset).toBe(b.offset)
})

test.for([
  { what: 'two records', ttl: undefined, head: 2 + 1 + 2 },
  { what: 'two records that expire', ttl: 1_000_000, head: 2 + 1 + 2 + 6 }
])('$what that fill a block together to the last byte share it', async ({ ttl, head }) => {
  const { wal, fs } = await openLog({ codec: 'none', blockBytes: 1024 })
  const values = [noise(400), noise(1024 - 400 - 2 * (head + 1)), noise(200)]
  const [a, b, c] = await Promise.all(values.map(value => wal.append(Record.put('k', value, { ttl }))))
  expect([b!.offset - a!.offset, b!.index, c!.offset - a!.offset, c!.index]).toEqual([0, 1, 48 + 1024, 0])
  expect(await fingerprints(wal.read())).toEqual(values.map(fingerprint))
  expect(await fingerprints((await reopened(wal, { fs })).wal.read())).toEqual(values.map(fingerprint))
})
