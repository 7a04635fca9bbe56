import type { BlobStore } from 'compressed-kv/blobs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { turns } from '../../support/turns.js'
import { blobsIn, bytesOf, CHUNK, inPieces, keyCounts, MODES, untilCounts } from './blob-stores.js'

/** Longer than what a reader reads ahead. */
const LENGTH = 4100 * CHUNK

describe.each(Object.entries(MODES))('in a store that is %s', (_, open) => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await open()
    blobs = blobsIn(store)
  })

  afterEach(() => store.close())

  it('of puts of one key at once, the last to end wins, and nothing is left of the others', async () => {
    const versions = Array.from({ length: 6 }, (__, i) => noise((i + 1) * CHUNK, i + 1))
    const ended: number[] = []
    await Promise.all(
      versions.map(async (bytes, i) => {
        await blobs.putBlob('k', inPieces(bytes, 100 + 100 * i))
        ended.push(i)
      })
    )
    const winner = versions[ended.at(-1)!]!
    expect((await bytesOf(await blobs.getBlob('k'))).equals(winner)).toBe(true)
    expect(await keyCounts(store)).toEqual({ m: 1, c: winner.length / CHUNK, g: 0 })
  })
})

describe('a reader', () => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await MODES['write-through']!()
    blobs = blobsIn(store)
  })

  afterEach(() => store.close())

  it('gets all of the blob that it began with when that is replaced and deleted, and its chunks go then', async () => {
    const [old, next] = [noise(LENGTH), noise(CHUNK, 2)]
    await blobs.putBlob('k', old)
    const first = (await blobs.getBlob('k'))!
    const second = (await blobs.getBlob('k', { start: CHUNK }))!
    await blobs.putBlob('k', next)
    const third = (await blobs.getBlob('k'))!
    await blobs.deleteBlob('k')
    expect((await bytesOf(third)).equals(next)).toBe(true)
    expect((await bytesOf(first)).equals(old)).toBe(true)
    expect((await keyCounts(store)).c).toBeGreaterThanOrEqual(LENGTH / CHUNK)
    expect((await bytesOf(second)).equals(old.subarray(CHUNK))).toBe(true)
    await untilCounts(store, { m: 0, c: 0, g: 0 })
  })

  it('that is destroyed, or never read from, lets the chunks go as well', async () => {
    await blobs.putBlob('k', noise(LENGTH))
    const half = (await blobs.getBlob('k'))!
    const none = (await blobs.getBlob('k'))!
    for await (const chunk of half) {
      expect((chunk as Buffer).length).toBe(CHUNK)
      break
    }
    await blobs.deleteBlob('k')
    expect((await keyCounts(store)).g).toBe(1)
    none.destroy()
    await untilCounts(store, { m: 0, c: 0, g: 0 })
  })

  it('beside puts, deletes and other readers gets one whole version, each time', async () => {
    const versions = Array.from({ length: 4 }, (__, i) => noise(20 * CHUNK + i, i + 1))
    const writing = { ended: false }
    const write = async () => {
      for (let i = 0; i < 40; i++) {
        await blobs.putBlob('k', versions[i % 4]!)
        if (i % 10 === 9) await blobs.deleteBlob('k')
      }
      writing.ended = true
    }
    const read = async () => {
      let whole = 0
      while (!writing.ended) {
        const stream = await blobs.getBlob('k')
        await turns(1)
        if (stream === undefined) continue
        const found = await bytesOf(stream)
        expect(versions.some(version => version.equals(found))).toBe(true)
        whole++
      }
      return whole
    }
    const [, ...counts] = await Promise.all([write(), read(), read(), read()])
    expect(Math.min(...counts)).toBeGreaterThan(0)
    await untilCounts(store, { m: 0, c: 0, g: 0 })
  })
})
