import { describe, expect, it } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import {
  contents,
  contentsOf,
  killed,
  logOn,
  memoryLevel,
  openLogged,
  refusal,
  type Store
} from '../../support/logged-store.js'
import { BackendDisk, PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'

const broken = new Error('the backend fails')
const SMALL = Buffer.from('small')

async function setUp(segmentBytes = 1 << 20) {
  const fs = new CrashableFileSystem()
  const backend = new PermanentMemoryLevel()
  const store = await openLogged(logOn(fs, { segmentBytes }), backend)
  await store.put('a', SMALL)
  return { fs, backend, store }
}

type Setup = Awaited<ReturnType<typeof setUp>>

const keysOf = (entries: readonly [string, string][]) => entries.map(([key]) => key).join('')
const afterKill = ({ fs, backend }: Setup) =>
  contentsOf(logOn(killed(fs)), new PermanentMemoryLevel(backend.disk.clone()))
const afterClose = ({ fs, backend }: Setup) => contentsOf(logOn(fs), new PermanentMemoryLevel(backend.disk))

/** Rejects operations on a key, whoever they come with. */
function refuseKey(backend: { hooks: PermanentMemoryLevel['hooks'] }, key: string): () => void {
  const hook = (operation: { key: unknown }) => {
    if (String(operation.key) === key) throw broken
  }
  backend.hooks.prewrite.add(hook)
  return () => backend.hooks.prewrite.delete(hook)
}

describe('a backend that rejects a write that was logged', () => {
  it('rejects the writer, not the others that went with it, and later writes work', async () => {
    const made = await setUp()
    const { store, backend } = made
    refuseKey(backend, 'bad')
    const results = await Promise.allSettled([
      store.put('b', SMALL),
      store.put('bad', SMALL),
      store.batch([
        { type: 'put', key: 'bad', value: SMALL },
        { type: 'put', key: 'with bad', value: SMALL }
      ]),
      store.put('c', SMALL)
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    await store.put('d', SMALL)
    expect(await store.keys().all()).toEqual(Array.from('abcd'))
  })

  it('does not bring it back after a clean close', async () => {
    const made = await setUp()
    const { store, backend } = made
    const repair = failing(backend, WRITES, broken)
    await expect(store.put('b', SMALL)).rejects.toThrow(Error)
    await expect(store.batch([{ type: 'del', key: 'a' }])).rejects.toThrow(Error)
    repair()
    await store.close()
    expect(keysOf(await afterClose(made))).toBe('a')
    expect(keysOf(await afterClose(made))).toBe('a')
  })

  it('does not bring it back after a kill, where only the marker was written since', async () => {
    const made = await setUp()
    const { store, backend } = made
    refuseKey(backend, 'b')
    refuseKey(backend, 'c')
    await expect(store.put('b', SMALL)).rejects.toThrow(Error)
    // The first time to live has the marker written before it is logged.
    await expect(store.put('c', SMALL, { ttl: 1_000_000 })).rejects.toThrow(Error)
    expect(keysOf(await afterKill(made))).toBe('ac')
  })

  it('does not bring it back over what was written later, after a kill', async () => {
    const made = await setUp()
    const { store, backend } = made
    const repair = failing(backend, WRITES, broken)
    await expect(store.put('a', Buffer.from('rejected'))).rejects.toThrow(Error)
    repair()
    await store.put('a', Buffer.from('later'))
    expect(await afterKill(made)).toEqual([['a', 'later']])
  })

  it('over memory-level does not bring it back after a clean close', async () => {
    const fs = new CrashableFileSystem()
    const backend = memoryLevel()
    const store = await openLogged(logOn(fs), backend)
    await store.put('a', SMALL)
    const repair = failing(backend, WRITES, broken)
    await expect(store.put('b', SMALL)).rejects.toThrow(Error)
    await expect(store.del('a')).rejects.toThrow(Error)
    repair()
    expect(await store.keys().all()).toEqual(['a'])
    await store.close()
    expect(keysOf(await contentsOf(logOn(fs)))).toBe('a')
  })

  it.each<[string, (store: Store, i: number) => Promise<void>]>([
    ['puts', (store, i) => store.put(`k${i}`, noise(900, i + 1))],
    ['batches', (store, i) => store.batch([{ type: 'put', key: `k${i}`, value: noise(900, i + 1) }])]
  ])('for many %s, which fill segments, leaves a log that belongs to it after a kill', async (_, write) => {
    const made = await setUp(1300)
    const { store, backend } = made
    failing(backend, WRITES, broken)
    for (let i = 0; i < 6; i++) await expect(write(store, i)).rejects.toThrow(Error)
    const found = await openLogged(logOn(killed(made.fs)), new PermanentMemoryLevel(backend.disk.clone()))
    expect((await found.keys().all())[0]).toBe('a')
  })

  it('while it is closing leaves them to the next opening', async () => {
    const made = await setUp()
    const { store, backend } = made
    failing(backend, WRITES, broken)
    const put = store.put('b', SMALL)
    const close = store.close()
    await expect(put).rejects.toThrow(Error)
    await close
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    expect(['a', 'ab']).toContain(keysOf(await afterClose(made)))
  })

  it('for the marker, before anything is logged, rejects the write and logs nothing', async () => {
    const fs = new CrashableFileSystem()
    const backend = new PermanentMemoryLevel()
    const store = await openLogged(logOn(fs), backend)
    const repair = failing(backend, WRITES, broken)
    await expect(store.put('a', SMALL)).rejects.toThrow(Error)
    await expect(store.clear()).rejects.toThrow(Error)
    expect(store.wal!.nextSequence).toBe(1)
    repair()
    await store.put('b', SMALL)
    expect(await contents(store)).toEqual([['b', 'small']])
    expect(await contentsOf(logOn(killed(fs)), new PermanentMemoryLevel(backend.disk.clone()))).toEqual([
      ['b', 'small']
    ])
  })
})

describe('a clear', () => {
  it('that the backend fails in the middle rejects, and the writes behind it go on', async () => {
    const made = await setUp()
    const { store, backend } = made
    await store.put('b', SMALL)
    const repair = failing(backend, ['_batch'], broken)
    const outcomes = await Promise.allSettled([store.clear(), store.get('a')])
    expect(outcomes[0].status).toBe('rejected')
    repair()
    await store.put('c', SMALL)
    await store.clear({ lte: 'b' })
    expect(await store.keys().all()).toEqual(['c'])
    expect(keysOf(await afterKill(made))).toBe('c')
  })

  it('of thousands of keys is whole after a kill in its middle', async () => {
    const made = await setUp()
    const { store, backend, fs } = made
    await store.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put', key: `k${i}`, value: SMALL })))
    let chunks = 0
    let after: Promise<[string, string][]> | undefined
    intercept(backend, ['_batch'], async ({ proceed }) => {
      await proceed()
      if (++chunks !== 2) return
      after = contentsOf(logOn(killed(fs)), new PermanentMemoryLevel(backend.disk.clone()))
      await after
    })
    await store.clear({ gte: 'k' })
    expect(keysOf(await after!)).toBe('a')
  })

  it('with a limit of thousands of keys is whole, or not begun, after a kill in its middle', async () => {
    const made = await setUp()
    const { store, backend, fs } = made
    await store.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put', key: `k${i}`, value: SMALL })))
    let chunks = 0
    const found: number[] = []
    intercept(backend, ['_batch'], async ({ proceed }) => {
      await proceed()
      chunks++
      const there = await contentsOf(logOn(killed(fs)), new PermanentMemoryLevel(backend.disk.clone()))
      found.push(there.length)
    })
    await store.clear({ gte: 'k', limit: 2400 })
    expect(chunks).toBeGreaterThan(0)
    expect(found.filter(length => length !== 2501 && length !== 101)).toEqual([])
  })

  it.each<[string, (store: Store) => Promise<void>]>([
    ['ranges', store => store.clear({ gte: 'x', lt: 'y'.repeat(300) })],
    [
      'a limit',
      async store => {
        await store.put('k', noise(300))
        for (let i = 0; i < 3; i++) await store.clear({ gte: 'k', limit: 1 })
      }
    ]
  ])(
    'again and again, with %s, which fills segments, leaves a log that belongs to its backend after a kill',
    async (_, clear) => {
      const made = await setUp(1300)
      const { store, fs, backend } = made
      for (let i = 0; i < 20; i++) {
        await clear(store)
        const refused = await refusal(logOn(killed(fs)), new PermanentMemoryLevel(backend.disk.clone()))
        expect({ round: i, ...refused }).toEqual({ round: i, code: undefined, message: 'It opened' })
      }
      expect(keysOf(await afterKill(made))).toBe('a')
    }
  )
})

describe('an opening that the backend fails', () => {
  it('while the log is replayed leaves the log free, and the next one has everything', async () => {
    const { fs, backend, store } = await setUp()
    await store.put('b', SMALL)
    const [disk, log] = [new BackendDisk(backend.disk.batches.slice(0, -1)), killed(fs)]
    const again = new PermanentMemoryLevel(disk)
    const repair = failing(again, ['_batch'], broken)
    await expect(openLogged(logOn(log), again)).rejects.toMatchObject({ cause: broken })
    repair()
    expect(keysOf(await contentsOf(logOn(log), again))).toBe('ab')
  })

  it('which the log is to fill leaves the log free as well', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs))
    await store.put('a', SMALL)
    await store.close()
    const again = memoryLevel()
    const repair = failing(again, ['_batch'], broken)
    await expect(openLogged(logOn(fs), again)).rejects.toMatchObject({ cause: broken })
    repair()
    expect(keysOf(await contentsOf(logOn(fs), again))).toBe('a')
  })
})

it('an error of a write that was logged says that its outcome is unknown', async () => {
  const { store, backend } = await setUp()
  failing(backend, WRITES, broken)
  await expect(store.put('b', SMALL)).rejects.toThrow(/unknown/i)
})
