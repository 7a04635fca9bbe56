import { MemoryLevel } from 'memory-level'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'

export type Store = CompressedKvStore<string, Buffer>
export type StoreOptions = CompressedKvStoreOptions<string, Buffer>
export type Backend = MemoryLevel<string, Buffer>

/** Keeps its entries when it is closed and opened again. */
export function memory(): Backend {
  return new MemoryLevel({ valueEncoding: 'buffer' })
}

export async function openStore(
  options: StoreOptions = {},
  backend: Backend = memory()
): Promise<{ store: Store; backend: Backend }> {
  const store = new CompressedKvStore(backend, options)
  await store.open()
  return { store, backend }
}

/** Everything a backend holds, reserved keys included: `[key in hex, value in hex]`. */
export async function storedEntries(backend: Backend): Promise<[string, string][]> {
  const entries = await backend.iterator({ keyEncoding: 'hex', valueEncoding: 'hex' }).all()
  return entries as unknown as [string, string][]
}

/** What stands in the backend under a key. */
export async function storedValue(backend: Backend, key: string): Promise<Buffer> {
  const stored = await backend.get(key)
  if (stored === undefined) throw new Error(`The backend has no '${key}'`)
  return stored
}
