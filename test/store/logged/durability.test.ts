import type { MemoryLevel } from 'memory-level'
import { describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import {
  contents,
  contentsOf,
  copyWhileOpen,
  imageOfDisk,
  killed,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  type Store
} from '../../support/logged-store.js'
import { storedEntries } from '../../support/memory-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const AS_BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const letters = 'abcdefghij'

async function fillWithLetters(store: Store): Promise<void> {
  await store.batch(Array.from(letters, key => ({ type: 'put', key, value: Buffer.from(key.toUpperCase()) })))
}

async function keysAfter(fs: CrashableFileSystem): Promise<string> {
  const entries = await contentsOf(logOn(killed(fs)))
  return entries.map(([key]) => key).join('')
}

/** Each does something to a store that holds `letters`, and says which keys are left. */
const writes: [string, (store: Store) => Promise<void>, string][] = [
  ['a put', store => store.put('k', Buffer.from('K')), 'abcdefghijk'],
  ['a del', store => store.del('c'), 'abdefghij'],
  ['a del of what is not there', store => store.del('x'), 'abcdefghij'],
  [
    'a batch',
    store =>
      store.batch([
        { type: 'del', key: 'a' },
        { type: 'put', key: 'z', value: Buffer.of(1) }
      ]),
    'bcdefghijz'
  ],
  ['a chained batch', store => store.batch().del('a').put('z', Buffer.of(1)).write(), 'bcdefghijz'],
  ['a large put', store => store.put('k', noise(300_000)), 'abcdefghijk'],
  ['a clear', store => store.clear(), ''],
  ['a clear of [gte, lt)', store => store.clear({ gte: 'c', lt: 'e' }), 'abefghij'],
  ['a clear of (gt, lte]', store => store.clear({ gt: 'c', lte: 'e' }), 'abcfghij'],
  ['a clear from gt on', store => store.clear({ gt: 'c' }), 'abc'],
  ['a clear from gte on', store => store.clear({ gte: 'c' }), 'ab'],
  ['a clear up to lt', store => store.clear({ lt: 'c' }), 'cdefghij'],
  ['a clear up to lte', store => store.clear({ lte: 'c' }), 'defghij'],
  [
    'a clear where gte and lte win over gt and lt',
    store => store.clear({ gte: 'c', gt: 'f', lte: 'g', lt: 'd' }),
    'abhij'
  ],
  ['a clear of a range that is empty', store => store.clear({ gte: 'e', lt: 'c' }), 'abcdefghij'],
  ['a clear up to below the empty key', store => store.clear({ lt: '' }), 'abcdefghij'],
  ['a clear up to the empty key', store => store.clear({ lte: '' }), 'abcdefghij'],
  ['a clear with a limit', store => store.clear({ limit: 3 }), 'defghij'],
  ['a clear with a limit, in reverse', store => store.clear({ limit: 3, reverse: true }), 'abcdefg'],
  ['a clear of a range with a limit', store => store.clear({ gt: 'b', limit: 2 }), 'abefghij'],
  ['a clear with limit 0', store => store.clear({ limit: 0 }), 'abcdefghij'],
  [
    'a clear of what a snapshot has',
    async store => {
      await using snapshot = store.snapshot()
      await store.put('k', Buffer.of(1))
      await store.clear({ gt: 'c', snapshot })
    },
    'abck'
  ]
]

describe('over memory-level', () => {
  it.each(writes)('%s is there after the process was killed, and again after a clean close', async (_, write, left) => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await fillWithLetters(store)
    await write(store)
    const before = await contents(store)
    expect(before.map(([key]) => key).join('')).toBe(left)
    expect(await keysAfter(fs)).toBe(left)
    expect(await contentsOf(logOn(killed(fs)))).toEqual(before)
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual(before)
    expect(await contentsOf(logOn(fs))).toEqual(before)
  })

  it('what was written after a clear is there, and what was written before is not', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await fillWithLetters(store)
    await Promise.all([store.clear({ gte: 'b' }), store.put('c', Buffer.from('again')), store.clear({ gt: 'h' })])
    expect(await contentsOf(logOn(killed(fs)))).toEqual([
      ['a', 'A'],
      ['c', 'again']
    ])
  })

  it('values of every size and codec are what they were', async () => {
    const directory = temporaryDirectory()
    const sizes = [0, 1, 100, 5000, 100_000, 2_000_000]
    const store = await openLogged(directory, memoryLevel(), { minSize: 0 })
    for (const codec of ['none', 'lz4', 'zstd'] as const) {
      for (const size of sizes) {
        await store.put(`${codec} text ${size}`, text(size), { codec })
        await store.put(`${codec} noise ${size}`, noise(size), { codec })
      }
    }
    await store.close()
    const reopened = await openLogged(directory)
    for (const codec of ['none', 'lz4', 'zstd']) {
      for (const size of sizes) {
        expect((await reopened.get(`${codec} text ${size}`))!.equals(text(size))).toBe(true)
        expect((await reopened.get(`${codec} noise ${size}`))!.equals(noise(size))).toBe(true)
      }
    }
    await reopened.close()
  })

  it('keys may be any bytes, those around the reserved ones too, and a clear spares the marker', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    const keys = ['', '00', 'ff', 'ff636b75', 'ff636b76', 'ff636b7601', 'ffff'].map(hex => Buffer.from(hex, 'hex'))
    for (const key of keys) await store.put<Buffer, Buffer>(key, key, AS_BYTES)
    await store.clear<Buffer>({
      gt: Buffer.from('ff', 'hex'),
      lt: Buffer.from('ff636b7602', 'hex'),
      keyEncoding: 'buffer'
    })
    const reopened = await openLogged(logOn(killed(fs)))
    expect(await reopened.keys<Buffer>({ keyEncoding: 'buffer' }).all()).toEqual([keys[0], keys[1], keys[2], keys[6]])
    await reopened.put('k', Buffer.of(1))
    expect(await reopened.get('k')).toEqual(Buffer.of(1))
  })

  it('sublevels are there, written through the store or by themselves', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    const deeper = sub.sublevel<string, Buffer>('deeper', { valueEncoding: 'buffer' })
    const other = store.sublevel<string, Buffer>('other', { valueEncoding: 'buffer' })
    await sub.put('a', Buffer.from('1'))
    await deeper.put('b', Buffer.from('2'))
    await store.batch([
      { type: 'put', key: 'c', value: Buffer.from('3'), sublevel: sub },
      { type: 'put', key: 'd', value: Buffer.from('4') }
    ])
    await other.put('gone', Buffer.from('5'))
    await other.clear()
    expect(await contentsOf(logOn(killed(fs)))).toEqual([
      ['!sub!!deeper!b', '2'],
      ['!sub!a', '1'],
      ['!sub!c', '3'],
      ['d', '4']
    ])
  })

  it('over a sublevel of a memory-level the rest of it is left alone', async () => {
    const fs = new CrashableFileSystem()
    const wrap = async (level: MemoryLevel<string, Buffer>) =>
      openLogged(logOn(fs), level.sublevel<string, Buffer>('part', { valueEncoding: 'buffer' }))
    const store = await wrap(memoryLevel())
    await store.put('k', Buffer.from('value'))
    await store.close()
    const level = memoryLevel()
    await level.put('other', Buffer.from('mine'))
    const reopened = await wrap(level)
    expect(await contents(reopened)).toEqual([['k', 'value']])
    expect(await level.get('other')).toEqual(Buffer.from('mine'))
    await reopened.close()
  })

  it('a copy of the directory of an open store on a real disk has everything', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged({ dir: directory, segmentBytes: 70_000 })
    for (let i = 0; i < 100; i++) await store.put(`k${i % 40}`, noise(4000, i + 1))
    const before = await contents(store)
    expect(await contentsOf(copyWhileOpen(directory))).toEqual(before)
    await store.close()
    expect(await contentsOf(directory)).toEqual(before)
  })

  it('a store that is closed and opened again over the same backend has everything once', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await fillWithLetters(store)
    await store.del('a')
    const before = await contents(store)
    for (let i = 0; i < 3; i++) {
      await store.close()
      await store.open()
      expect(await contents(store)).toEqual(before)
    }
    await store.put('later', Buffer.from('x'))
    await store.close()
    expect(await contentsOf(logOn(fs))).toEqual([...before, ['later', 'x']])
  })

  it.each([false, { flushIntervalMs: Infinity }])(
    'after flush() a power cut loses nothing, with memtable: %j',
    async memtable => {
      const fs = new CrashableFileSystem()
      const store = await openLogged(logOn(fs), memoryLevel(), { memtable })
      await fillWithLetters(store)
      await store.clear({ lt: 'c' })
      const before = await contents(store)
      await store.flush()
      expect(await contentsOf(logOn(powerCut(fs, 'none')))).toEqual(before)
      const reader = await openLogged(logOn(powerCut(fs, 'none')), memoryLevel(), { memtable, readOnly: true })
      await reader.flush()
      expect(await contents(reader)).toEqual(before)
      await reader.close()
    }
  )

  it('puts that nobody awaited before close() are there', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    const puts = Array.from(letters, key => store.put(key, key === 'e' ? text(200_000) : Buffer.from(key)))
    await store.close()
    await Promise.all(puts)
    const found = await contentsOf(logOn(fs))
    expect(found.map(([key]) => key).join('')).toBe(letters)
    expect(found[4]![1]).toBe(text(200_000).toString('latin1'))
  })

  it('stores in turn each add to it, closed or killed', async () => {
    let fs = new CrashableFileSystem()
    for (let i = 0; i < 6; i++) {
      const store = await openLogged(logOn(fs))
      expect(await store.keys().all()).toEqual(Array.from({ length: i }, (_, n) => `k${n}`))
      await store.put(`k${i}`, Buffer.of(i))
      if (i % 2) await store.close()
      else fs = killed(fs)
    }
  })

  it('an empty store that is opened and closed stays empty, and opens again', async () => {
    const fs = new CrashableFileSystem()
    for (let i = 0; i < 3; i++) {
      expect(await contentsOf(logOn(fs))).toEqual([])
      expect(imageOfDisk(fs)).toEqual({})
    }
  })

  it('says that it keeps what it gets', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()))
    expect(store.supports.permanence).toBe(true)
    expect(memoryLevel().supports.permanence).toBe(false)
    expect(new CompressedKvStore(memoryLevel()).supports.permanence).toBe(false)
  })
})

it.each([false, { flushIntervalMs: Infinity }])(
  'over a permanent backend a store writes nothing while nothing is written to it, memtable: %j',
  async memtable => {
    const fs = new CrashableFileSystem()
    const backend = new PermanentMemoryLevel()
    const look = async () => {
      const store = await openLogged(logOn(fs), backend, { memtable })
      await store.get('k')
      await store.keys().all()
      await store.close()
    }
    await look()
    expect(backend.disk.steps).toBe(0)
    const store = await openLogged(logOn(fs), backend, { memtable })
    await store.put('k', Buffer.from('K'))
    await store.close()
    const [{ steps }, image] = [backend.disk, imageOfDisk(fs)]
    await look()
    expect(backend.disk.steps).toBe(steps)
    expect(imageOfDisk(fs)).toEqual(image)
  }
)

/** Which reads of another store find a key. */
async function foundBy(wal: ReturnType<typeof logOn>, key: string): Promise<string[]> {
  const store = await openLogged(wal)
  const found = {
    get: (await store.get(key)) !== undefined,
    has: await store.has(key),
    keys: (await store.keys().all()).includes(key),
    iterator: (await contents(store)).some(([other]) => other === key)
  }
  await store.close()
  return Object.entries(found).flatMap(([name, there]) => (there ? [name] : []))
}

describe('times to live, over memory-level', () => {
  /** Before a TTL: whatever makes a put the store's first or a later one, alone or among others. */
  const before: [string, (store: Store) => Promise<void>[]][] = [
    ['as the first write', () => []],
    ['after another write', store => [store.put('a', Buffer.from('A'))]]
  ]

  it.each(before)(
    '%s: the entry is gone for every read when it is over, also after opening again',
    async (_, first) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      try {
        const fs = new CrashableFileSystem()
        const store = await openLogged(logOn(fs))
        await Promise.all(first(store))
        await store.put('k', Buffer.from('K'), { ttl: 1000 })
        expect((await contentsOf(logOn(killed(fs)))).at(-1)).toEqual(['k', 'K'])
        vi.advanceTimersByTime(1001)
        expect(await foundBy(logOn(killed(fs)), 'k')).toEqual([])
        await store.close()
        expect(await foundBy(logOn(fs), 'k')).toEqual([])
      } finally {
        vi.useRealTimers()
      }
    }
  )

  it('as the first one while another write is being logged: the entry is gone for every read after opening again', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const disk = new CrashableFileSystem()
      const fs = new FaultyFileSystem(disk)
      const store = await openLogged(logOn(fs, { fsync: 'always' }))
      await store.put('a', Buffer.from('A'))
      const goOn = fs.hold('sync')
      const another = store.put('b', Buffer.from('B'))
      await goOn.reached
      const expiring = store.put('k', Buffer.from('K'), { ttl: 1000 })
      goOn()
      await Promise.all([another, expiring])
      await store.close()
      vi.advanceTimersByTime(1001)
      expect(await foundBy(logOn(disk), 'k')).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('a later put without one takes it away, also in the log', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const fs = new CrashableFileSystem()
      const store = await openLogged(logOn(fs))
      await store.put('k', Buffer.from('K'), { ttl: 1000 })
      await store.put('k', Buffer.from('for good'))
      vi.advanceTimersByTime(1001)
      expect(await contentsOf(logOn(killed(fs)))).toEqual([['k', 'for good']])
    } finally {
      vi.useRealTimers()
    }
  })
})

async function filled(): Promise<MemoryLevel<string, Buffer>> {
  const level = memoryLevel()
  await level.put('plain', Buffer.from('plain'))
  await level.put('large', text(10_000))
  await level.put('empty', Buffer.alloc(0))
  return level
}

async function filledByAStore(): Promise<MemoryLevel<string, Buffer>> {
  const level = memoryLevel()
  const store = await openLogged(logOn(new CrashableFileSystem()), level)
  await store.put('theirs', text(100))
  await store.close()
  await level.open()
  return level
}

describe('what a memory-level held before it was wrapped', () => {
  const plain: [string, string][] = [
    ['empty', ''],
    ['large', text(10_000).toString('latin1')],
    ['plain', 'plain']
  ]

  it('is there from the moment the store is open', async () => {
    const fs = new CrashableFileSystem()
    await openLogged(logOn(fs), await filled())
    expect(await contentsOf(logOn(killed(fs)))).toEqual(plain)
  })

  it('is there beside what was written later, guarded, and can be replaced and deleted', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), await filled(), { minSize: 0 })
    await store.put('new', text(5000))
    await store.put('plain', Buffer.from('replaced'))
    await store.del('empty')
    const expected = await contents(store)
    expect(expected.map(([key]) => key)).toEqual(['large', 'new', 'plain'])
    expect(await contentsOf(logOn(killed(fs)))).toEqual(expected)
    await store.close()
    const reopened = await openLogged(logOn(fs))
    expect(await contents(reopened)).toEqual(expected)
    await reopened.put('newer', text(100))
    expect(await contentsOf(logOn(killed(fs)))).toEqual([
      ...expected.slice(0, 2),
      ['newer', text(100).toString()],
      expected[2]
    ])
  })

  it('is there when the store was closed with nothing written, over the same backend and over a new one', async () => {
    const fs = new CrashableFileSystem()
    const level = await filled()
    await (await openLogged(logOn(fs), level)).close()
    expect(await contentsOf(logOn(fs))).toEqual(plain)
    expect(await contentsOf(logOn(fs), level)).toEqual(plain)
  })

  it('is read with readOnly beside a log that has nothing, and nothing is written', async () => {
    const fs = new CrashableFileSystem()
    await contentsOf(logOn(fs))
    expect(await contentsOf(logOn(fs), await filled(), { readOnly: true })).toEqual(plain)
    expect(imageOfDisk(fs)).toEqual({})
  })

  it.each([
    ['plain values', filled],
    ['what another store wrote', filledByAStore]
  ])('is refused beside a log that holds something else, and left alone: %s', async (_, levelOf) => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await store.put('k', Buffer.from('K'))
    await store.close()
    const level = await levelOf()
    const before = await storedEntries(level)
    await expect(openLogged(logOn(fs), level)).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
    await level.open()
    expect(await storedEntries(level)).toEqual(before)
    const after = memoryLevel()
    expect(await contentsOf(logOn(fs), after)).toEqual([['k', 'K']])
  })
})
