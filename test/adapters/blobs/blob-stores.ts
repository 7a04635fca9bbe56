import type { Readable } from 'node:stream'
import { CompressedKvStore } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { Level } from 'level'
import { expect, vi } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { EVENTUALLY } from '../../support/eventually.js'
import { logOn, memoryLevel, openLogged, type Store, type StoreOptions } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** The least that there is, so that little data makes many chunks. */
export const CHUNK = 1024

/** A store of every mode; where there is a MemTable it has room for less than a chunk. */
export const MODES: Record<string, () => Promise<Store>> = {
  'write-through': async () => new CompressedKvStore<string, Buffer>(memoryLevel(), { minSize: 0, offThreadSize: 0 }),
  logged: () => logged({ memtable: false }),
  'write-back': () => logged({ memtable: { flushBytes: 500, maxBytes: 900, flushIntervalMs: 1 }, offThreadSize: 512 }),
  'write-back over level': async () =>
    new CompressedKvStore<string, Buffer>(new Level(temporaryDirectory(), { valueEncoding: 'buffer' }), {
      codec: 'zstd'
    })
}

function logged(options: StoreOptions): Promise<Store> {
  return openLogged(logOn(new CrashableFileSystem(), { segmentBytes: 65_536 }), new PermanentMemoryLevel(), options)
}

export function blobsIn(store: CompressedKvStore<string, Buffer>): BlobStore {
  return new BlobStore(store, { chunkBytes: CHUNK })
}

/** All bytes of a stream. */
export async function bytesOf(stream: Readable | undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream!) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** How many keys of each kind the sublevel of a store of blobs has: manifests, chunks, garbage. */
export async function keyCounts(
  store: CompressedKvStore<string, Buffer>
): Promise<{ m: number; c: number; g: number }> {
  const counts = { m: 0, c: 0, g: 0 }
  const keys = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' }).keys()
  for await (const key of keys) counts[String.fromCharCode(key[0]!) as 'm' | 'c' | 'g']++
  return counts
}

/** Waits until what goes on in the background has left as many keys. */
export async function untilCounts(store: Store, expected: { m: number; c: number; g: number }): Promise<void> {
  await vi.waitFor(async () => expect(await keyCounts(store)).toEqual(expected), EVENTUALLY)
}

/** Hands bytes out in pieces of so many, in a buffer that it uses again. */
export async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, void> {
  const buffer = Buffer.alloc(size)
  for (let from = 0; from < bytes.length; from += size) {
    yield buffer.subarray(0, bytes.copy(buffer, 0, from, from + size))
    buffer.fill(0xee)
  }
}
