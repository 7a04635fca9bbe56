import { describe, expect, it, vi } from 'vitest'
import { crc32c } from '../../src/checksum/crc32c.js'
import { MarkerState } from '../../src/store/marker-state.js'
import { decodeMarker } from '../../src/store/marker.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { intercept, WRITES } from '../support/intercept.js'
import { logOn, openLogged } from '../support/logged-store.js'
import { type Backend, memory, openStore, storedEntries } from '../support/memory-store.js'
import { PermanentMemoryLevel } from '../support/permanent-memory-level.js'
import { MARKER_KEY } from '../support/reserved.js'

const BINARY = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const VALUE = Buffer.from('value')
const FLAGS_AT = 24

async function markerOf(backend: Backend): Promise<Buffer | undefined> {
  return backend.get<Buffer, Buffer>(MARKER_KEY, BINARY)
}

/** Changes the stored marker; its checksum is made right again. */
async function alter(backend: Backend, change: (marker: Buffer) => void): Promise<void> {
  const marker = Buffer.from((await markerOf(backend))!)
  change(marker)
  marker.writeUInt32LE(crc32c(marker.subarray(0, -4)), marker.length - 4)
  await backend.put<Buffer, Buffer>(MARKER_KEY, marker, BINARY)
}

async function closedStore() {
  const opened = await openStore()
  await opened.store.put('k', VALUE)
  await opened.store.close()
  await opened.backend.open()
  return opened
}

describe('the marker', () => {
  it('is written with the first value, in the same backend batch, synced', async () => {
    const { store, backend } = await openStore()
    const calls: { operations: number; sync: unknown }[] = []
    intercept(backend, WRITES, ({ args, proceed }) => {
      const [operations] = args
      calls.push({
        operations: Array.isArray(operations) ? operations.length : 1,
        sync: (args.at(-1) as { sync?: boolean }).sync ?? false
      })
      return proceed()
    })
    await store.put('a', VALUE)
    await store.put('b', VALUE)
    expect(calls).toEqual([
      { operations: 2, sync: true },
      { operations: 1, sync: false }
    ])
  })

  it.each([true, false])(
    'is not written by a limited clear that finds nothing, with a log and memtable: %s',
    async on => {
      const backend = new PermanentMemoryLevel()
      const memtable = on ? {} : false
      const store = await openLogged(logOn(new CrashableFileSystem()), backend, { memtable })
      await store.clear({ limit: 1 })
      expect(backend.disk.batches).toEqual([])
      await store.close()
      expect(backend.disk.batches).toEqual([])
    }
  )

  it('is as docs/format.md draws it, and stays the same', async () => {
    const { store, backend } = await openStore()
    await store.put('k', VALUE)
    const marker = Buffer.from((await markerOf(backend))!)
    expect(marker.length).toBe(46)
    expect(marker.toString('latin1', 0, 4)).toBe('ckvm')
    expect(marker.readUInt32LE(4)).toBe(1)
    expect(marker.subarray(8, 24).some(byte => byte !== 0)).toBe(true)
    expect(marker.subarray(24, 42)).toEqual(Buffer.alloc(18))
    expect(marker.readUInt32LE(42)).toBe(crc32c(marker.subarray(0, 42)))
    await store.put('k', VALUE)
    await store.close()
    await store.open()
    await store.put('k', VALUE)
    await store.clear()
    expect(await markerOf(backend)).toEqual(marker)
  })

  it('remembers that there were plain values', async () => {
    const backend = memory()
    await backend.put('plain', VALUE)
    const { store } = await openStore({}, backend)
    await store.put('k', VALUE)
    const marker = (await markerOf(backend))!
    expect(marker[FLAGS_AT]).toBe(1)
    expect(marker.subarray(25, 32).some(byte => byte !== 0)).toBe(true)
  })

  it('remembers from the first write with a time to live on', async () => {
    const { store, backend } = await openStore()
    await store.put('k', VALUE)
    expect((await markerOf(backend))![FLAGS_AT]).toBe(0)
    await Promise.all([store.put('l', VALUE), store.put('k', VALUE, { ttl: 1000 }), store.put('m', VALUE)])
    expect((await markerOf(backend))![FLAGS_AT]).toBe(2)
  })

  it('is synced with whatever it changes with, where writes go together', async () => {
    const { store, backend } = await openStore()
    await store.put('a', VALUE)
    const calls: { keys: string; sync: unknown }[] = []
    intercept(backend, WRITES, ({ args, proceed }) => {
      const operations = Array.isArray(args[0]) ? (args[0] as { key: Buffer }[]) : [{ key: args[0] as Buffer }]
      const keys = operations.map(({ key }) => (MARKER_KEY.equals(key) ? 'marker' : String(key)))
      calls.push({ keys: keys.sort().join(), sync: (args.at(-1) as { sync?: boolean }).sync ?? false })
      return proceed()
    })
    await Promise.all([store.put('b', VALUE), store.put('c', VALUE), store.put('d', VALUE, { ttl: 1000 })])
    const withMarker = calls.filter(({ keys }) => keys.includes('marker'))
    expect(withMarker.length).toBe(1)
    expect(withMarker[0]!.sync).toBe(true)
    expect(calls.map(({ keys }) => keys).join()).toContain('c')
  })

  it('is not written by deletions alone, without a log', async () => {
    const { store, backend } = await openStore()
    await store.del('a')
    await store.batch([{ type: 'del', key: 'b' }])
    await store.close()
    await backend.open()
    expect(await storedEntries(backend)).toEqual([])
  })

  it('is written once for all times to live', async () => {
    for (const memtable of [false, {}]) {
      const backend = new PermanentMemoryLevel()
      const store = await openLogged(logOn(new CrashableFileSystem()), backend, { memtable })
      await store.put('k', VALUE, { ttl: 1000 })
      await store.flush()
      const markers = vi.fn<() => void>()
      intercept(backend, WRITES, ({ args, proceed }) => {
        if (Buffer.isBuffer(args[0]) && args[0].equals(MARKER_KEY)) markers()
        return proceed()
      })
      for (let i = 0; i < 3; i++) await store.put('k', VALUE, { ttl: 1000 })
      await store.batch([{ type: 'put', key: 'l', value: VALUE, ttl: 1000 }])
      expect(markers).not.toHaveBeenCalled()
      await store.close()
    }
  })

  it('is written again where it changes while it is being written', async () => {
    const backend = memory()
    await backend.open()
    const state = await MarkerState.load(backend as never)
    const writing = state.unsaved!
    state.useTtl()
    state.saved(writing)
    expect(state.stored?.ttlUsed).toBe(false)
    expect(decodeMarker(state.unsaved!)).toMatchObject({ ttlUsed: true, storeId: state.storeId })
    await state.save(backend as never)
    expect(state.stored?.ttlUsed).toBe(true)
    expect(state.unsaved).toBeUndefined()
    expect((await markerOf(backend))![FLAGS_AT]).toBe(2)
  })

  it('stores of their own have ids of their own', async () => {
    const ids = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const { store, backend } = await openStore()
      await store.put('k', VALUE)
      ids.add((await markerOf(backend))!.toString('hex', 8, 24))
    }
    expect(ids.size).toBe(3)
  })
})

describe('a marker is refused', () => {
  it('with any bit flipped', async () => {
    const { backend, store } = await closedStore()
    const marker = Buffer.from((await markerOf(backend))!)
    for (let bit = 0; bit < marker.length * 8; bit += 5) {
      const damaged = Buffer.from(marker)
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      await backend.put<Buffer, Buffer>(MARKER_KEY, damaged, BINARY)
      await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
    }
  })

  it('cut off anywhere', async () => {
    const { backend, store } = await closedStore()
    const marker = Buffer.from((await markerOf(backend))!)
    for (let length = 0; length < marker.length; length++) {
      await backend.put<Buffer, Buffer>(MARKER_KEY, marker.subarray(0, length), BINARY)
      await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
    }
  })

  it.each([
    ['another version', 4, 2],
    ['an unknown feature', 6, 1],
    ['an unknown flag', FLAGS_AT, 128]
  ])('of a later version, with %s', async (_, at, byte) => {
    const { backend, store } = await closedStore()
    await alter(backend, marker => void (marker[at] = byte))
    const before = await storedEntries(backend)
    await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_NOT_SUPPORTED' } })
    expect(await storedEntries(backend)).toEqual(before)
  })

  it('with a length that contradicts itself', async () => {
    const { backend, store } = await closedStore()
    await alter(backend, marker => void marker.writeUInt16LE(5, 40))
    await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
  })
})
