import { writeFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import {
  CompressedKvStore,
  type CompressedKvStoreOptions,
  inspect,
  repair,
  type RepairOptions
} from '../../src/index.js'
import { storedMarker } from '../../src/store/marker-state.js'
import { type Marker, MARKER_KEY } from '../../src/store/marker.js'
import { classicLevel } from '../support/classic-level.js'
import { copyWhileOpen } from '../support/logged-store.js'
import { text } from '../support/sample-values.js'
import { documents, keyOf } from '../support/small-documents.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

type Store = CompressedKvStore<string, Buffer>
type Options = CompressedKvStoreOptions<string, Buffer>

const BYTES = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const SMALL = Buffer.from('small')

/** What a closed store, or one whose process was killed, leaves. */
async function left(
  options: Options,
  work: (store: Store) => Promise<void>,
  { killed = false, location = temporaryDirectory() } = {}
): Promise<{ location: string; contents: [string, Buffer][] }> {
  const store: Store = new CompressedKvStore(classicLevel(location), { codec: 'zstd', ...options })
  await work(store)
  const contents = await store.iterator().all()
  const copy = killed ? copyWhileOpen(location) : location
  await store.close()
  return { location: copy, contents }
}

async function withBare<T>(location: string, work: (bare: Level<Buffer, Buffer>) => Promise<T>): Promise<T> {
  const bare = new Level<Buffer, Buffer>(location, BYTES)
  try {
    return await work(bare)
  } finally {
    await bare.close()
  }
}

/** Deletes the marker. @returns what it said */
function loseMarker(location: string): Promise<Marker> {
  return withBare(location, async bare => {
    const marker = await storedMarker(bare as never)
    await bare.del(MARKER_KEY)
    return marker!
  })
}

function markerIn(location: string): Promise<Marker | undefined> {
  return withBare(location, bare => storedMarker(bare as never))
}

async function contentsOf(location: string, options: Options = {}): Promise<[string, Buffer][]> {
  const store: Store = new CompressedKvStore(classicLevel(location), { codec: 'zstd', ...options })
  const contents = await store.iterator().all()
  await store.close()
  return contents
}

async function putSome(store: Store): Promise<void> {
  await store.put('long', text(100_000))
  await store.put('text', text(3000))
  await store.put('small', SMALL)
  await store.put('gone', SMALL)
  await store.del('gone')
}

async function putSomeAndFlushFirst(store: Store): Promise<void> {
  await store.put('old', text(2000))
  await store.put('small', Buffer.from('older'))
  await store.flush()
  await putSome(store)
  await store.del('old')
}

/** A bare database with values. */
async function filled(): Promise<string> {
  const location = temporaryDirectory()
  await withBare(location, async bare => {
    await bare.put(Buffer.from('plain'), text(5000))
    await bare.put(Buffer.from('plain-empty'), Buffer.alloc(0))
    await bare.put(Buffer.from('plain-small'), Buffer.from('plain'))
  })
  return location
}

describe('a lost marker is made anew', () => {
  it.each([{}, { memtable: false }, { wal: false }] as const)('in a closed store, with %j', async options => {
    const { location, contents } = await left(options, putSome)
    const { storeId, guard, plainValues } = await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ guard, plainValues, ...(options.wal !== false && { storeId }) })
    expect(await contentsOf(location, options)).toEqual(contents)
    expect(contents).toHaveLength(3)
  })

  it.each([{}, { memtable: false }] as const)(
    'with what is only in the log of a killed process, with %j',
    async options => {
      const { location, contents } = await left(options, putSomeAndFlushFirst, { killed: true })
      await loseMarker(location)
      expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
      expect(await contentsOf(location, options)).toEqual(contents)
      expect(contents).toHaveLength(3)
    }
  )

  it('where values are too short for checksums and only the log shows that there was a store', async () => {
    const { location, contents } = await left({}, async store => {
      await store.put('a', SMALL)
      await store.put('b', Buffer.alloc(0))
    })
    await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await contentsOf(location)).toEqual(contents)
  })

  it('with the number of the newest dictionary, and values that need dictionaries', async () => {
    const { location, contents } = await left({ wal: false, dictionary: 'auto' }, async store => {
      for (const [i, document] of documents(2000).entries()) await store.put(keyOf(i), document)
    })
    const { storeId, newestDictionary } = await loseMarker(location)
    expect(newestDictionary).toBeDefined()
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    const marker = await markerIn(location)
    expect(marker).toMatchObject({ storeId, newestDictionary: { id: newestDictionary!.id } })
    expect(await contentsOf(location, { wal: false })).toEqual(contents)
  })

  it('so that expired entries stay hidden', async () => {
    const { location } = await left({ wal: false }, async store => {
      await store.put('text', text(3000), { ttl: 1 })
      await store.put('other', text(3000))
    })
    await loseMarker(location)
    await repair(classicLevel(location), { wal: false })
    const store: Store = new CompressedKvStore(classicLevel(location), { wal: false })
    expect(await store.keys().all()).toEqual(['other'])
    await store.close()
  })

  it('if it is damaged', async () => {
    const { location, contents } = await left({}, putSome)
    await withBare(location, async bare => {
      const stored = Buffer.from((await bare.get(MARKER_KEY)) ?? [])
      stored[20]! ^= 1
      await bare.put(MARKER_KEY, stored)
    })
    await expect(contentsOf(location)).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await contentsOf(location)).toEqual(contents)
  })
})

describe('a lost marker of a store that wrapped a database with values is made anew', () => {
  it('with the guard that the values show', async () => {
    const { location, contents } = await left({}, putSome, { location: await filled() })
    const { guard } = await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ guard, plainValues: true })
    expect(await contentsOf(location)).toEqual(contents)
    expect(contents).toHaveLength(6)
  })

  it('where most of those values end like raw ones of a store', async () => {
    const bare = await filled()
    await withBare(bare, async db => {
      for (let i = 0; i < 20; i++) await db.put(Buffer.from(`plain-number-${i}`), Buffer.from([i, 0, 0, 0]))
    })
    const { location, contents } = await left({}, putSome, { location: bare })
    await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await contentsOf(location)).toEqual(contents)
    expect(contents).toHaveLength(26)
  })

  it('with the guard that only values in the log show', async () => {
    const { location, contents } = await left({}, store => store.put('long', text(100_000)), {
      location: await filled(),
      killed: true
    })
    const { guard } = await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ guard, plainValues: true })
    expect(await contentsOf(location)).toEqual(contents)
  })

  it('after a sweep, since when new envelopes have no guard', async () => {
    const { location, contents } = await left(
      {},
      async store => {
        await putSome(store)
        await store.gc.run()
        await store.put('unguarded', text(3000))
        await store.put('unguarded-small', SMALL)
      },
      { location: await filled() }
    )
    const { guard } = await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ guard, plainValues: false })
    expect(await contentsOf(location)).toEqual(contents)
  })
})

describe('repair()', () => {
  it('leaves an intact marker, and a database that was never wrapped', async () => {
    const { location, contents } = await left({}, putSome)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'intact' })
    expect(await contentsOf(location)).toEqual(contents)

    const bare = temporaryDirectory()
    await withBare(bare, db => db.put(Buffer.from('k'), text(5000)))
    expect(await repair(classicLevel(bare))).toEqual({ marker: 'none' })
    expect(await withBare(bare, db => db.keys().all())).toEqual([Buffer.from('k')])
  })

  it('changes nothing if it is aborted, or if the log is damaged', async () => {
    const { location } = await left({}, putSomeAndFlushFirst, { killed: true })
    await loseMarker(location)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(repair(classicLevel(location), { signal })).rejects.toThrow('enough')
    expect(await markerIn(location)).toBeUndefined()

    const log = join(location, 'ckv-wal')
    const segment = join(
      log,
      readdirSync(log).find(name => name.endsWith('.wal'))!
    )
    const bytes = readFileSync(segment)
    bytes[3]! ^= 1 // in its header
    writeFileSync(segment, bytes)
    await expect(repair(classicLevel(location))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(await markerIn(location)).toBeUndefined()
    expect(await repair(classicLevel(location), { wal: false })).toEqual({ marker: 'rebuilt' })
  })

  it('closes a database that was closed, leaves an open one open, and reports progress', async () => {
    const { location } = await left({ wal: false }, async store => {
      await store.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put', key: `k${i}`, value: text(600) })))
    })
    await loseMarker(location)
    const level = classicLevel(location)
    const progress: number[] = []
    const options: RepairOptions = { onProgress: ({ values }) => progress.push(values) }
    expect(await repair(level, options)).toEqual({ marker: 'rebuilt' })
    expect(progress).toEqual([1000, 2000])
    expect(level.status).toBe('closed')
    await level.open()
    expect(await repair(level)).toEqual({ marker: 'intact' })
    expect(level.status).toBe('open')
    await level.close()
  })

  it('refuses what cannot be repaired', async () => {
    await expect(repair(new MemoryLevel())).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    const location = temporaryDirectory()
    const store: Store = new CompressedKvStore(classicLevel(location))
    await store.open()
    await expect(repair(store)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    await expect(repair(store.backend)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
    await store.close()
    await expect(repair(classicLevel(location), { wall: false } as never)).rejects.toMatchObject({
      code: 'CKV_INVALID_OPTION'
    })
  })
})

describe('inspect()', () => {
  it('tells whether a marker is lost', async () => {
    const { location } = await left({}, putSome)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(false)
    await loseMarker(location)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(true)
    const never = temporaryDirectory()
    await withBare(never, bare => bare.put(Buffer.from('k'), text(5000)))
    expect(await withBare(never, async bare => (await inspect(bare)).isMarkerLost)).toBe(false)
  })
})
