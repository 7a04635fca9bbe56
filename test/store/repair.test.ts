import { randomBytes } from 'node:crypto'
import { writeFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { sealRaw } from '../../src/envelope/seal.js'
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

function walOf({ wal }: Options): RepairOptions {
  return wal === undefined ? {} : { wal }
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
    expect(await repair(classicLevel(location), walOf(options))).toEqual({ marker: 'rebuilt' })
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
    expect(await repair(classicLevel(location), { wal: false })).toEqual({ marker: 'rebuilt' })
    const marker = await markerIn(location)
    expect(marker).toMatchObject({ storeId, newestDictionary: { id: newestDictionary!.id } })
    expect(await contentsOf(location, { wal: false })).toEqual(contents)
  })

  it('or completed, with the number of a dictionary that no value needs', async () => {
    const location = temporaryDirectory()
    await left({ wal: false }, store => store.put('small', SMALL), { location })
    const old = await withBare(location, bare => bare.get(MARKER_KEY))
    await left(
      { wal: false, dictionary: Buffer.from(documents(20).join('')) },
      async store => {
        for (const [i, document] of documents(20).entries()) await store.put(keyOf(i), document)
        await store.clear()
        await store.put('small', SMALL)
      },
      { location }
    )
    const { storeId } = await loseMarker(location)
    const expected = { storeId, newestDictionary: { id: 1 } }
    expect(await repair(classicLevel(location), { wal: false })).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject(expected)
    await withBare(location, bare => bare.put(MARKER_KEY, old))
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject(expected)
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

  it('so that entries expire of which only the log knows', async () => {
    const { location } = await left(
      {},
      async store => {
        await store.put('small', SMALL, { ttl: 1 })
        await store.put('other', SMALL)
      },
      { killed: true }
    )
    await loseMarker(location)
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ ttlUsed: true, logDirty: true })
    const store: Store = new CompressedKvStore(classicLevel(location))
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

/** A store over these plain values, after its marker is lost and made anew. @returns what it had, and what it has then */
async function rebuilt(plain: readonly Buffer[], options: Options = {}) {
  const location = temporaryDirectory()
  await withBare(location, async bare => {
    for (const [index, value] of plain.entries()) await bare.put(Buffer.from(`plain${index}`), value)
  })
  const { contents } = await left(options, store => store.put('text', text(3000)), { location })
  await loseMarker(location)
  expect(await repair(classicLevel(location), walOf(options))).toEqual({ marker: 'rebuilt' })
  return [await contentsOf(location, options), contents]
}

/** A number that ends with a zero byte, like a raw value without a checksum. */
const small = (number: number) => Buffer.from([number, 0, 0, 0])
/** Numbers that end like a raw value without a checksum, with a guard. */
const likeGuarded = (number: number) =>
  Buffer.concat([small(number), Buffer.alloc(4), Buffer.from([number >> 8, number, 1, 2, 3, 4, 5, 255])])

/** A value with a guard, of which one byte is given. */
const guarded = (byte: number) =>
  sealRaw(text(3000), {
    guard: { bytes: Buffer.from([1, 2, 3, 4, 5, 6, byte, 255]), plainValues: true },
    mayOmitChecksum: false
  })

describe('the marker of a store over plain values', () => {
  it('is not taken for that of a swept one because most plain values end like raw ones', async () => {
    const [after, before] = await rebuilt([small(1), small(2), small(3), Buffer.from('text')])
    expect(after).toEqual(before)
  })

  it('has the guard that follows a checksum, whatever most values end with', async () => {
    const [after, before] = await rebuilt(Array.from({ length: 1200 }, (_, index) => likeGuarded(index)))
    expect(after).toEqual(before)
  })

  it.each([
    ['every other value ends with a zero byte', [small(1), small(2)], text(3000), 'may be plain or not'],
    ['no value with a checksum shows the guard', [Buffer.from('text')], Buffer.from('short'), 'shows what guard']
  ])('is not guessed if %s', async (_, plain, value, message) => {
    const location = temporaryDirectory()
    await withBare(location, async bare => {
      for (const [index, stored] of plain.entries()) await bare.put(Buffer.from(`plain${index}`), stored)
    })
    await left({}, store => store.put('k', value), { location })
    await loseMarker(location)
    await expect(repair(classicLevel(location))).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      message: expect.stringContaining(message)
    })
    expect(await markerIn(location)).toBeUndefined()
  })

  it('has no guard that values show if all that are stored are from before', async () => {
    const location = temporaryDirectory()
    await withBare(location, bare =>
      bare.put(Buffer.from('plain'), Buffer.from([...Buffer.from('ends like a guard'), 255]))
    )
    const { location: copy, contents } = await left({}, store => store.put('k', SMALL), { location, killed: true })
    await loseMarker(copy)
    expect(await repair(classicLevel(copy))).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(copy)).toMatchObject({ plainValues: true })
    expect(await contentsOf(copy)).toEqual(contents)
  })

  it('is not guessed from one value that may be damaged, beside many that end with a zero byte', async () => {
    const location = temporaryDirectory()
    const many = Array.from({ length: 40 }, (_, index) => small(index))
    await withBare(location, async bare => {
      for (const [index, value] of [...many, Buffer.from('text')].entries())
        await bare.put(Buffer.from(`plain${index}`), value)
    })
    await left({}, store => store.put('text', text(3000)), { location })
    await loseMarker(location)
    await expect(repair(classicLevel(location))).rejects.toThrow('may be plain or not')
  })

  it('is not guessed from plain values alone if some of them end with a zero byte', async () => {
    const location = temporaryDirectory()
    await withBare(location, async bare => {
      await bare.put(Buffer.from('a'), small(1))
      await bare.put(Buffer.from('b'), Buffer.from('text'))
    })
    const { location: copy } = await left({}, store => store.put('k', SMALL), { location, killed: true })
    await loseMarker(copy)
    await expect(repair(classicLevel(copy))).rejects.toThrow('may be plain or not')
  })

  it('has the guard of most values, even if another is damaged', async () => {
    const location = temporaryDirectory()
    await withBare(location, async bare => {
      for (const [key, byte] of [
        ['a', 1],
        ['b', 0],
        ['c', 0]
      ] as const)
        await bare.put(Buffer.from(key), guarded(byte))
    })
    expect(await repair(classicLevel(location), { wal: false })).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ guard: Buffer.from([1, 2, 3, 4, 5, 6, 0, 255]) })
  })

  it('is not guessed from the guards of two stores', async () => {
    const location = temporaryDirectory()
    await withBare(location, async bare => {
      await bare.put(Buffer.from('a'), guarded(1))
      await bare.put(Buffer.from('b'), guarded(200))
    })
    await expect(repair(classicLevel(location), { wal: false })).rejects.toMatchObject({
      message: expect.stringContaining('guards of several stores')
    })
  })
})

describe('the marker of a database that was being unwrapped is not guessed', () => {
  it.each([
    ['the first values', ['a1', 'a2'], ['b1', 'b2', 'b3']],
    ['most values', ['a1', 'b2', 'b3', 'b4'], ['a2', 'b1']]
  ])('if %s are plain', async (_, plain, sealed) => {
    const { location } = await left({ wal: false }, async store => {
      for (const key of sealed) await store.put(key, text(3000))
    })
    await loseMarker(location)
    await withBare(location, async bare => {
      for (const key of plain) await bare.put(Buffer.from(key), Buffer.from('plain'))
    })
    await expect(repair(classicLevel(location), { wal: false })).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      message: expect.stringContaining('half unwrapped')
    })
  })

  it('but a damaged value among others does not look like that', async () => {
    const { location } = await left({ wal: false }, async store => {
      for (const key of ['a', 'b', 'c']) await store.put(key, text(3000))
    })
    await loseMarker(location)
    await withBare(location, bare => bare.put(Buffer.from('b'), Buffer.from('damaged')))
    expect(await repair(classicLevel(location), { wal: false })).toEqual({ marker: 'rebuilt' })
    expect(await markerIn(location)).toMatchObject({ plainValues: false })
  })
})

describe('a marker that is older than the values', () => {
  it('is completed: with a sweep, a time to live and a dictionary since', async () => {
    const location = await filled()
    await left({ wal: false }, store => store.put('text', text(3000)), { location })
    const old = await withBare(location, bare => bare.get(MARKER_KEY))
    const options = { wal: false, dictionary: 'auto' } as const
    await left(
      options,
      async store => {
        for (const [i, document] of documents(2000).entries()) await store.put(keyOf(i), document)
        await store.gc.run()
      },
      { location }
    )
    const { contents } = await left(options, store => store.put('late', text(3000), { ttl: 1e9 }), { location })
    const newest = await markerIn(location)
    expect(newest).toMatchObject({ plainValues: false, ttlUsed: true, newestDictionary: { id: 1 } })
    await withBare(location, bare => bare.put(MARKER_KEY, old))
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    const { guard, storeId } = newest!
    expect(await markerIn(location)).toMatchObject({
      guard,
      storeId,
      plainValues: false,
      ttlUsed: true,
      newestDictionary: { id: 1 }
    })
    expect(await contentsOf(location, options)).toEqual(contents)
  })

  it('goes on with the oldest record of the log if those before are deleted', async () => {
    const location = temporaryDirectory()
    const options = { wal: { segmentBytes: 128 * 1024 } } as const
    await left(options, store => store.put('first', text(3000)), { location })
    const old = await withBare(location, bare => bare.get(MARKER_KEY))
    const { contents } = await left(
      options,
      async store => {
        for (let index = 0; index < 50; index++) await store.put(`k${index}`, randomBytes(20_000))
        await store.flush()
      },
      { location }
    )
    await withBare(location, bare => bare.put(MARKER_KEY, old))
    await expect(contentsOf(location, options)).rejects.toMatchObject({ cause: { code: 'LEVEL_CORRUPTION' } })
    expect(await repair(classicLevel(location))).toEqual({ marker: 'rebuilt' })
    expect(await contentsOf(location, options)).toEqual(contents)
  })

  it('learns nothing from a log that is not its own', async () => {
    const { location } = await left({}, putSome)
    const wal = temporaryDirectory()
    await left({ wal }, async store => {
      for (let index = 0; index < 20; index++) await store.put(`k${index}`, text(3000))
    })
    expect(await repair(classicLevel(location), { wal })).toEqual({ marker: 'intact' })
    const unlogged = await left({ wal: false }, putSome)
    writeFileSync(join(wal, '000001.wal'), 'damaged')
    expect(await repair(classicLevel(unlogged.location), { wal })).toEqual({ marker: 'intact' })
  })

  it('keeps saying that there are plain values if they end like raw ones of a store, and nothing else was stored', async () => {
    const location = temporaryDirectory()
    await withBare(location, bare => bare.put(Buffer.from('k'), small(1)))
    await left({ wal: false }, store => store.put('text', text(3000)), { location })
    expect(await repair(classicLevel(location))).toEqual({ marker: 'intact' })
    expect(await markerIn(location)).toMatchObject({ plainValues: true })
  })

  it('keeps saying that there are plain values while there are any', async () => {
    const location = await filled()
    const { contents } = await left({}, store => store.put('text', text(3000)), { location })
    const foreign = await left({ wal: false }, store => store.put('k', text(2000)))
    const envelope = await withBare(foreign.location, bare => bare.get(Buffer.from('k')))
    await withBare(location, bare => bare.put(Buffer.from('looks-like-one'), envelope))
    expect(await repair(classicLevel(location))).toEqual({ marker: 'intact' })
    expect(Object.fromEntries(await contentsOf(location))).toEqual({
      ...Object.fromEntries(contents),
      'looks-like-one': envelope
    })
  })
})

describe('a log', () => {
  it('has to be named if it is elsewhere: a marker with another store id would never fit it', async () => {
    const location = temporaryDirectory()
    const wal = temporaryDirectory()
    const { contents } = await left({ wal }, putSome, { location })
    await loseMarker(location)
    await expect(repair(classicLevel(location))).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    expect(await markerIn(location)).toBeUndefined()
    expect(await repair(classicLevel(location), { wal })).toEqual({ marker: 'rebuilt' })
    expect(await contentsOf(location, { wal })).toEqual(contents)
  })

  it('of another store than that of the dictionaries is refused', async () => {
    const { location } = await left({ wal: false, dictionary: 'auto' }, async store => {
      for (const [i, document] of documents(2000).entries()) await store.put(keyOf(i), document)
    })
    await loseMarker(location)
    const wal = temporaryDirectory()
    await left({ wal }, putSome)
    await expect(repair(classicLevel(location), { wal })).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      message: expect.stringContaining('different stores')
    })
    expect(await markerIn(location)).toBeUndefined()
  })
})

describe('sublevels', () => {
  it('a wrapped sublevel is repaired by itself, and the database around it has lost no marker', async () => {
    const location = temporaryDirectory()
    await withBare(location, async bare => {
      await bare.put(Buffer.from('~plain'), SMALL)
      const inner = bare.sublevel('outer').sublevel<string, Buffer>('inner', { valueEncoding: 'buffer' })
      await inner.open()
      const store: Store = new CompressedKvStore(inner)
      await store.put('k', text(3000))
      await store.close()
      await bare.open()
      expect((await inspect(bare)).isMarkerLost).toBe(false)
      await expect(repair(bare)).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
      expect(await storedMarker(bare as never)).toBeUndefined()
      await inner.open()
      await inner.del(MARKER_KEY, { keyEncoding: 'buffer' } as object)
      expect(await repair(inner)).toEqual({ marker: 'rebuilt' })
      const again: Store = new CompressedKvStore(inner)
      expect(await again.get('k')).toEqual(text(3000))
      await again.close()
    })
  })

  it('a sublevel of a wrapped database is refused', async () => {
    const { location } = await left({}, store =>
      store.sublevel<string, Buffer>('x', { valueEncoding: 'buffer' }).put('k', text(3000))
    )
    await withBare(location, async bare => {
      await expect(repair(bare.sublevel('x'))).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    })
    await loseMarker(location)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(true)
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

  it('changes nothing if it is aborted when all values are read', async () => {
    const { location } = await left({ wal: false }, async store => {
      await store.batch(Array.from({ length: 1000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: text(600) })))
    })
    await loseMarker(location)
    const controller = new AbortController()
    const onProgress = () => controller.abort(new Error('enough'))
    await expect(repair(classicLevel(location), { wal: false, signal: controller.signal, onProgress })).rejects.toThrow(
      'enough'
    )
    expect(await markerIn(location)).toBeUndefined()
  })

  it('closes a database that was closed, leaves an open one open, and reports progress', async () => {
    const { location } = await left({ wal: false }, async store => {
      await store.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put', key: `k${i}`, value: text(600) })))
    })
    await loseMarker(location)
    const level = classicLevel(location)
    const progress: number[] = []
    const options: RepairOptions = { wal: false, onProgress: ({ values }) => progress.push(values) }
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
  it('tells that a marker is lost if the first value has the empty key', async () => {
    const { location } = await left({ wal: false }, store => store.put('', text(3000)))
    await loseMarker(location)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(true)
  })

  it('tells whether a marker is lost', async () => {
    const { location } = await left({}, putSome)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(false)
    await loseMarker(location)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(true)
    const never = temporaryDirectory()
    await withBare(never, bare => bare.put(Buffer.from('k'), text(5000)))
    expect(await withBare(never, async bare => (await inspect(bare)).isMarkerLost)).toBe(false)
  })

  it('looks only at the first values for that', async () => {
    const location = temporaryDirectory()
    await withBare(location, bare => bare.put(Buffer.from('a'), randomBytes(2 * 1024 * 1024)))
    await left({}, store => store.put('k', text(3000)), { location })
    await loseMarker(location)
    expect(await withBare(location, async bare => (await inspect(bare)).isMarkerLost)).toBe(false)
  })
})
