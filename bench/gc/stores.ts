import { CompressedKvStore, type CompressedKvStoreOptions } from 'compressed-kv'
import { Level } from 'level'
import type { DocumentSet } from '../documents/document.js'
import { cut, jsonSource } from '../documents/pieces.js'
import { inFlight } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { AS_BUFFERS } from '../store/contenders.js'
import { KIB } from '../wal/sizes.js'

export type Store = CompressedKvStore<string, Buffer>
export type StoreOptions = CompressedKvStoreOptions<string, Buffer>

const IN_FLIGHT = 256

/** Compresses values from 1 KiB on: by default LZ4 over LevelDB leaves those below 4 KiB to Snappy. */
export const EVERY_VALUE_LZ4: StoreOptions = { codec: 'lz4', minSize: KIB }

/** Runs `work` with a new store over classic-level whose backend has all of the documents. It is closed and deleted afterwards. */
export async function inFilledStore<T>(
  options: StoreOptions,
  { documents }: DocumentSet,
  work: (store: Store, directory: string) => Promise<T>
): Promise<T> {
  return inTemporaryDirectory(async directory => {
    const store = new CompressedKvStore(new Level<string, Buffer>(directory, AS_BUFFERS), options)
    await store.open()
    await inFlight(documents.length, IN_FLIGHT, i => store.put(documents[i]!.key, documents[i]!.value))
    await store.flush()
    try {
      return await work(store, directory)
    } finally {
      await store.close()
    }
  })
}

/** Pieces of 1 KiB of real JSON, under keys in random order. If there are fewer pieces than `count`, they are repeated. */
export function jsonDocuments(corpus: string | undefined, count: number): DocumentSet {
  const source = jsonSource(corpus)
  const pieces = cut(source, KIB)
  const documents = shuffledKeys(count, 12).map((key, i) => ({ key, value: pieces[i % pieces.length]! }))
  return { name: `1 KiB of ${source.name}`, kind: 'text', documents }
}
