import { describe, expect, it } from 'vitest'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'
import { HeldCodec } from '../support/user-codecs.js'

const KIB = 1024
const SMALL = text(5000)
const LARGE = text(100 * KIB)

/** Compressors that want more memory than all of them may have between them, so that one runs alone. */
function greedyCodec() {
  return Object.assign(new HeldCodec(), { workingBytes: 1024 * KIB * KIB })
}

async function busyStore() {
  const { store } = await openStore({ codec: 'lz4', offThreadSize: 64 * KIB })
  await store.put('k', LARGE)
  await store.put('l', LARGE)
  const codec = greedyCodec()
  const writes = Promise.all([1, 2, 3, 4].map(i => store.put(`held ${i}`, SMALL, { codec })))
  await turns()
  expect(codec.held).toHaveLength(1)
  return { store, codec, writes, written: track(writes) }
}

describe('while a compression that takes all the memory runs and others wait for it', () => {
  it.each([
    ['get', async store => [await store.get('k')]],
    ['getMany', store => store.getMany(['k', 'l'])],
    ['an iterator', store => store.values({ lte: 'l', gte: 'k' }).all()]
  ] as [string, (store: Awaited<ReturnType<typeof busyStore>>['store']) => Promise<(Buffer | undefined)[]>][])(
    '%s restores values',
    async (_, read) => {
      const { store, codec, writes, written } = await busyStore()
      for (const value of await read(store)) expect(value?.equals(LARGE)).toBe(true)
      expect(written.settled).toBe(false)
      codec.open()
      await writes
      for (let i = 1; i <= 4; i++) expect((await store.get(`held ${i}`))?.equals(SMALL)).toBe(true)
    }
  )
})
