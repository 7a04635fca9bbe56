import { MemoryLevel } from 'memory-level'
import { expect, test, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import type { KeyRange } from '../../src/store/backend/key-range.js'
import { rawEntries } from '../../src/store/reading/raw-entries.js'

type Level = MemoryLevel<Buffer, Buffer>

const bytes = (text: string) => Buffer.from(text, 'latin1')

async function levelWith(keys: readonly string[]): Promise<Level> {
  const level: Level = new MemoryLevel({ keyEncoding: 'buffer', valueEncoding: 'buffer', storeEncoding: 'buffer' })
  await level.batch(keys.map(key => ({ type: 'put', key: bytes(key), value: bytes('v') })))
  return level
}

async function keysIn(level: Level, range: KeyRange): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of rawEntries(level as never, range)) keys.push(key.toString('latin1'))
  return keys
}

test.each([0, 1, 31, 32, 33, 64])('a range of %i entries ends where it says, whatever lies behind', async count => {
  const inside = Array.from({ length: count }, (_, i) => `k${String(i).padStart(3, '0')}`)
  const level = await levelWith([...inside, 'l', 'l\0', 'm', '\xffckv\0', '\xffckv\0m', '\xffckv\x01', '\xffd'])
  expect(await keysIn(level, { lt: bytes('l') })).toEqual(inside)
  expect(await keysIn(level, { lte: bytes('l') })).toEqual([...inside, 'l'])
  expect(await keysIn(level, { gt: bytes('l'), lte: bytes('l\0') })).toEqual(['l\0'])
  expect(await keysIn(level, { gt: bytes('l'), lt: bytes('l\0') })).toEqual([])
  expect(await keysIn(level, {})).toEqual([...inside, 'l', 'l\0', 'm', '\xffckv\x01', '\xffd'])
  expect(await keysIn(level, { lt: bytes('\xffd') })).toEqual([...inside, 'l', 'l\0', 'm', '\xffckv\x01'])
})

test.each([1000, 3])(
  'the iterator of the backend is closed, whether %i of its entries are taken or it fails',
  async taken => {
    const level = await levelWith(Array.from({ length: 100 }, (_, i) => `k${i}`))
    const closed = vi.fn<() => void>()
    const iterator = level.iterator.bind(level) as (options: object) => ReturnType<Level['iterator']>
    let fails = false
    level.iterator = ((options: object) => {
      const made = iterator(options)
      const close = made.close.bind(made)
      made.close = () => {
        closed()
        return close()
      }
      if (fails) made.nextv = () => Promise.reject(new Error('refused'))
      return made
    }) as typeof level.iterator
    const take = async () => {
      let left = taken
      for await (const _ of rawEntries(level as never, {})) if (--left === 0) break
    }
    await take()
    expect(closed.mock.calls.length).toBeGreaterThan(0)
    closed.mockClear()
    fails = true
    await expect(take()).rejects.toThrow('refused')
    expect(closed).toHaveBeenCalledOnce()
  }
)

test('a sweep seeks an iterator to its last key: to where none is, classic-level would go by way of both ends of the database', async () => {
  const level = await levelWith(Array.from({ length: 600 }, (_, i) => `k${i}`))
  const sought: unknown[] = []
  const iterator = level.iterator.bind(level) as (options: object) => ReturnType<Level['iterator']>
  level.iterator = ((options: KeyRange) => {
    const made = iterator(options)
    const seek = made.seek.bind(made)
    made.seek = (target: Buffer, ...rest: []) => {
      sought.push({ target, lte: options.lte })
      seek(target, ...rest)
    }
    return made
  }) as typeof level.iterator
  const store = new CompressedKvStore(level)
  expect(await store.gc.run()).toMatchObject({ complete: true, scanned: 600 })
  const last = bytes('k99')
  expect(sought).toEqual([
    { target: last, lte: last },
    { target: last, lte: last }
  ])
  await store.close()
})
