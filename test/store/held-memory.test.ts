import { expect, test } from 'vitest'
import type { CodecName } from '../../src/index.js'
import { collectGarbage } from '../support/collect-garbage.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { logOn } from '../support/logged-store.js'
import { memory, openStore } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'

const VALUES = 600

/** Of everything that holds what the backend has, and of that itself. */
async function heldBy(backend: ReturnType<typeof memory>): Promise<{ held: number; stored: number }> {
  const buffers = new Set<ArrayBufferLike>()
  let stored = 0
  // memory-level hands out what it keeps.
  const entries = backend.iterator({ keyEncoding: 'buffer', valueEncoding: 'buffer' }) as AsyncIterable<
    [Buffer, Buffer]
  >
  for await (const parts of entries) {
    for (const part of parts) {
      buffers.add(part.buffer)
      stored += part.length
    }
  }
  let held = 0
  for (const { byteLength } of buffers) held += byteLength
  return { held, stored }
}

test.for<[CodecName, string]>([
  ['lz4', 'write-through'],
  ['zstd', 'write-through'],
  ['lz4', 'logged'],
  ['zstd', 'logged'],
  ['lz4', 'write-back'],
  ['zstd', 'write-back']
])('%s, %s: a backend that keeps what it is given keeps nothing else', async ([codec, mode]) => {
  const wal = mode === 'write-through' ? false : logOn(new CrashableFileSystem())
  const backend = memory()
  const { store } = await openStore({ codec, wal, memtable: mode === 'write-back', minSize: 0 }, backend)
  const writer = async (from: number) => {
    for (let i = from; i < VALUES; i += 20) await store.put(`key ${i}`, Buffer.concat([text(600), noise(400, i)]))
  }
  await Promise.all(Array.from({ length: 20 }, (_, from) => writer(from)))
  await store.flush()
  const { held, stored } = await heldBy(backend)
  // The marker, written once, lies in Node.js's own pool.
  expect(held - Buffer.poolSize).toBeLessThan(1.25 * stored)
})

function heapBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test.each([0, 100_000])('reads leave nothing of keys that they did not find, with cacheBytes: %i', async cacheBytes => {
  const { store } = await openStore({ cacheBytes })
  const look = async (round: number) => {
    const keys = Array.from({ length: 100 }, (_, i) => `${round} ${i} `.padEnd(1000, 'x'))
    await Promise.all(keys.map(key => store.get(key)))
  }
  for (let round = 0; round < 20; round++) await look(round)
  const before = heapBytes()
  for (let round = 20; round < 220; round++) await look(round)
  expect(heapBytes() - before).toBeLessThan(8e6) // Of 20 MB of keys.
})
