import { createHash } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { BlobStore } from 'compressed-kv/blobs'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EVENTUALLY } from '../../support/eventually.js'
import { Gate } from '../../support/gate.js'
import { type Call, intercept } from '../../support/intercept.js'
import type { Store } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { turns } from '../../support/turns.js'
import { blobsIn, bytesOf, CHUNK, inPieces, keyCounts, MODES } from './blob-stores.js'

const MIB = 1024 * 1024
const LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK - 1, 3 * CHUNK, 7 * CHUNK + 5]

describe.each(Object.entries(MODES))('a blob in a store that is %s', (_, open) => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await open()
    blobs = blobsIn(store)
  })

  afterEach(() => store.close())

  it.each(LENGTHS)('of %i bytes comes back as it was, with its length and SHA-256', async length => {
    for (const bytes of [text(length), noise(length)]) {
      const stat = await blobs.putBlob('k', bytes)
      expect(stat).toMatchObject({ key: 'k', length, chunkBytes: CHUNK, model: undefined, metadata: {} })
      expect(stat.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
      expect(await blobs.statBlob('k')).toEqual(stat)
      expect((await bytesOf(await blobs.getBlob('k'))).equals(bytes)).toBe(true)
      expect(await keyCounts(store)).toEqual({ m: 1, c: Math.ceil(length / CHUNK), g: 0 })
    }
  })

  it.each([1, 100, CHUNK, CHUNK + 1, 5000])(
    'made of pieces of %i bytes, in a buffer used again, comes back',
    async size => {
      const bytes = noise(4 * CHUNK + 17)
      await blobs.putBlob('k', inPieces(bytes, size))
      expect((await bytesOf(await blobs.getBlob('k'))).equals(bytes)).toBe(true)
    }
  )

  it('is replaced, and deleted, with all its chunks', async () => {
    await blobs.putBlob('k', noise(5 * CHUNK))
    await blobs.putBlob('k', noise(2 * CHUNK, 2))
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
    expect(await blobs.deleteBlob('k')).toBe(true)
    expect(await blobs.deleteBlob('k')).toBe(false)
    expect(await blobs.getBlob('k')).toBeUndefined()
    expect(await blobs.statBlob('k')).toBeUndefined()
    expect(await keyCounts(store)).toEqual({ m: 0, c: 0, g: 0 })
  })

  it('gives any range that is asked for', async () => {
    const bytes = noise(5 * CHUNK + 100)
    await blobs.putBlob('k', bytes)
    const edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, bytes.length - 1, bytes.length, bytes.length + CHUNK]
    const at = fc.oneof(fc.constantFrom(...edges), fc.nat(bytes.length + 10))
    await fc.assert(
      fc.asyncProperty(at, fc.option(at, { nil: undefined }), async (start, end) => {
        const found = await bytesOf(await blobs.getBlob('k', { start, end }))
        expect(found.equals(bytes.subarray(start, end))).toBe(true)
      }),
      { numRuns: 60 }
    )
  })

  it('is stored whole when many are put at once', async () => {
    const all = Array.from({ length: 12 }, (__, i) => noise(301 + i * 700, i + 1))
    await Promise.all(
      all.map((bytes, i) =>
        blobs.putBlob(
          `k${i}`,
          new Readable({
            read() {
              this.push(bytes.subarray(0, 300))
              this.push(bytes.subarray(300))
              this.push(null)
            }
          })
        )
      )
    )
    for (const [i, bytes] of all.entries()) {
      expect((await bytesOf(await blobs.getBlob(`k${i}`))).equals(bytes)).toBe(true)
    }
  })
})

describe('listBlobs', () => {
  it('gives what is known of the blobs in a range of keys, in their order', async () => {
    const store = await MODES['write-back']!()
    const blobs = blobsIn(store)
    for (const key of ['b', 'a', 'é', '', 'ab']) await blobs.putBlob(key, text(10), { metadata: { for: key } })
    const keys = async (options?: Parameters<typeof blobs.listBlobs>[0]) => {
      const found: string[] = []
      for await (const { key, length, metadata } of blobs.listBlobs(options)) {
        expect([length, metadata]).toEqual([10, { for: key }])
        found.push(key)
      }
      return found
    }
    expect(await keys()).toEqual(['', 'a', 'ab', 'b', 'é'])
    expect(await keys({ gte: 'a', lt: 'b' })).toEqual(['a', 'ab'])
    expect(await keys({ gt: 'a', lte: 'b' })).toEqual(['ab', 'b'])
    expect(await keys({ reverse: true, limit: 2 })).toEqual(['é', 'b'])
    await store.close()
  })

  it('asks the backend once when that fails', async () => {
    const store = await MODES['write-through']!()
    const blobs = blobsIn(store)
    await blobs.putBlob('k', text(10))
    const next = vi.fn<() => Promise<[]>>().mockRejectedValueOnce(new Error('disk')).mockResolvedValue([])
    const restore = intercept(store.backend, ['_iterator'], ({ proceed }) => Object.assign(proceed(), { _nextv: next }))
    await expect(blobs.listBlobs().next()).rejects.toThrow('disk')
    expect(next).toHaveBeenCalledOnce()
    restore()
    await store.close()
  })

  it('lets go of the backend when the caller has seen enough', async () => {
    const store = await MODES['write-through']!()
    const blobs = blobsIn(store)
    for (const key of ['a', 'b']) await blobs.putBlob(key, text(10))
    const close = vi.fn<() => Promise<void>>(async () => {})
    const restore = intercept(store.backend, ['_iterator'], ({ proceed }) =>
      Object.assign(proceed(), { _close: close })
    )
    for await (const { key } of blobs.listBlobs()) if (key === 'a') break
    expect(close).toHaveBeenCalledOnce()
    restore()
    await store.close()
  })
})

describe('a store of blobs', () => {
  it('has nothing in common with one of another name, or with the rest of the store', async () => {
    const store = await MODES['write-back']!()
    const [one, other] = [new BlobStore(store), new BlobStore(store.sublevel('inside'), { name: 'other' })]
    await store.put('k', Buffer.from('plain'))
    await one.putBlob('k', text(10))
    await other.putBlob('k', text(20))
    expect([(await one.statBlob('k'))?.length, (await other.statBlob('k'))?.length]).toEqual([10, 20])
    await one.deleteBlob('k')
    expect((await other.statBlob('k'))?.length).toBe(20)
    expect((await store.get('k'))?.toString()).toBe('plain')
    await store.close()
  })

  it('takes the codec that a put names, for chunks only', async () => {
    const store = await MODES['write-back']!()
    const blobs = new BlobStore(store)
    await blobs.putBlob('k', text(2_000_000), { codec: 'zstd' })
    await store.flush()
    const { written } = store.stats()
    expect(written.byCodec['zstd']?.values).toBe(8)
    expect(written.byCodec['zstd']!.bytesStored).toBeLessThan(100_000)
    await store.close()
  })

  it('reads at most two chunks for a range of 64 KiB', async () => {
    const store = await MODES['write-through']!()
    const blobs = new BlobStore(store)
    const bytes = noise(3_000_000)
    const { chunkBytes } = await blobs.putBlob('k', bytes)
    for (const start of [0, 1, chunkBytes - 1, chunkBytes - 65_536, chunkBytes - 65_535, 2_000_000]) {
      const before = store.stats().read.values
      const found = await bytesOf(await blobs.getBlob('k', { start, end: start + 65_536 }))
      expect(found.equals(bytes.subarray(start, start + 65_536))).toBe(true)
      // Two of them are looks at the manifest.
      expect(store.stats().read.values - before).toBeLessThanOrEqual(2 + 2)
    }
    await store.close()
  })
})

describe('a reader that is slow', () => {
  it('has only some chunks read ahead', async () => {
    const store = await MODES['write-through']!()
    const blobs = new BlobStore(store)
    await blobs.putBlob('k', text(10 * 1024 * 1024))
    const before = store.stats().read.values
    const stream = (await blobs.getBlob('k'))!
    await stream[Symbol.asyncIterator]().next()
    await turns()
    expect(store.stats().read.values - before).toBeLessThan(30)
    stream.destroy()
    await store.close()
  })
})

/** Whether a call of the backend writes a chunk of a blob. */
function writesChunk({ method, args: [first] }: Call): boolean {
  const operations = first as { type: string; key: Buffer }[]
  const puts =
    method === '_put' ? [first as Buffer] : operations.filter(({ type }) => type === 'put').map(({ key }) => key)
  return puts.some(key => key.toString('latin1').startsWith('!blobs!c'))
}

/** So many pieces of 1 MiB. */
async function* mebibytes(count: number, onPiece: () => void): AsyncGenerator<Uint8Array, void> {
  for (let i = 0; i < count; i++) {
    onPiece()
    yield text(MIB)
  }
}

describe('a source', () => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await MODES['write-through']!()
    blobs = new BlobStore(store, { chunkBytes: MIB })
  })

  afterEach(() => store.close())

  it('is read a few MiB ahead of the backend, however many there are', async () => {
    const [begun, writing] = [new Gate(), new Gate()]
    let isHeld = false
    intercept(store.backend, ['_put', '_batch'], async call => {
      if (isHeld && writesChunk(call)) await writing.wait()
      return call.proceed()
    })
    let read = 0
    async function* source() {
      yield* mebibytes(1, () => {})
      await begun.wait()
      yield* mebibytes(5, () => read++)
    }
    const puts = Array.from({ length: 8 }, (_, i) => blobs.putBlob(`k${i}`, source(), { codec: 'none' }))
    await vi.waitFor(() => expect(begun.arrivals).toBe(puts.length), EVENTUALLY)
    isHeld = true
    begun.open()
    await writing.reached
    await turns(50)
    expect(read).toBeLessThan(20)
    writing.open()
    expect((await Promise.all(puts)).map(({ length }) => length)).toEqual(puts.map(() => 6 * MIB))
  })

  it('that has no end is read no further once a chunk is refused, and later puts have all the room that there was', async () => {
    const restore = intercept(store.backend, ['_put', '_batch'], call =>
      writesChunk(call) ? Promise.reject(new Error('disk')) : call.proceed()
    )
    for (let i = 0; i < 6; i++) {
      await expect(
        blobs.putBlob(
          'k',
          mebibytes(Infinity, () => {}),
          { codec: 'none' }
        )
      ).rejects.toThrow('disk')
    }
    restore()
    expect(
      await blobs.putBlob(
        'k',
        mebibytes(8, () => {})
      )
    ).toMatchObject({ length: 8 * MIB })
  })

  it('that is the body of a request leaves the connection open for the answer', async () => {
    const server = createServer((request, response) => {
      void blobs.putBlob('k', request).then(({ length }) => response.end(String(length)))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: new Uint8Array(noise(300_000)) })
    expect(await answer.text()).toBe('300000')
    server.close()
  })

  it('of many pieces adds no listeners to the signal', async () => {
    const { signal } = new AbortController()
    let most = 0
    const count = () => (most = Math.max(most, getEventListeners(signal, 'abort').length))
    await blobs.putBlob('k', mebibytes(20, count), { signal })
    expect(most).toBeLessThan(3)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('a long stream', () => {
  it('does not fill the MemTable: it is flushed as the stream goes on', async () => {
    const store = await MODES['write-back over level']!()
    await store.open()
    let most = 0
    async function* source() {
      for (let i = 0; i < 60; i++) {
        yield noise(1024 * 1024, i + 1)
        most = Math.max(most, store.stats().memtable!.bytes)
      }
    }
    await new BlobStore(store).putBlob('k', source(), { codec: 'none' })
    expect(most).toBeGreaterThan(1_000_000)
    expect(most).toBeLessThan(12_000_000)
    await store.close()
  })
})
