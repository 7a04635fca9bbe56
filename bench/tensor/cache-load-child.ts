import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { ClassicLevel } from 'classic-level'
import { alternate } from '../harness/rounds.js'
import { dropPageCache } from '../wal/page-cache.js'
import { LAYERS, openLayerCache, TOKENS } from './layer-cache.js'

export interface LoadRequest {
  /** The database of a cache that holds one chunk. */
  readonly database: string
  /** Holds as many bytes as the chunk takes there. */
  readonly plainFile: string
  readonly rounds: number
  /** SHA-256 of each layer, hex. */
  readonly layerHashes: readonly string[]
}

/** ms of every round. */
export interface LoadReply {
  readonly plainFile: readonly number[]
  readonly bareDatabase: readonly number[]
  readonly cache: readonly number[]
}

/** What one read of the plain file takes. */
const READ_BYTES = 1024 * 1024

process.once('message', (request: LoadRequest) => {
  void measure(request).then(reply => process.send!(reply))
})

async function measure({ database, plainFile, rounds, layerHashes }: LoadRequest): Promise<LoadReply> {
  const loads = [
    async () => loadPlain(plainFile),
    () => loadBare(database),
    () => loadCached(database, layerHashes)
  ] as const
  const [plain, bare, cache] = await alternate(rounds, loads, load => load())
  return { plainFile: plain!, bareDatabase: bare!, cache: cache! }
}

function loadPlain(file: string): number {
  dropPageCache()
  const start = performance.now()
  const descriptor = openSync(file, 'r')
  const bytes = Buffer.allocUnsafe(statSync(file).size)
  for (let at = 0; at < bytes.length;) {
    at += readSync(descriptor, bytes, at, Math.min(READ_BYTES, bytes.length - at), at)
  }
  closeSync(descriptor)
  return performance.now() - start
}

async function loadBare(location: string): Promise<number> {
  const db = new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' })
  const range = { gte: 'tensor-cache:1:data:', lt: 'tensor-cache:1:data;' }
  const keys = await db.keys(range).all()
  dropPageCache()
  const start = performance.now()
  const values = await db.getMany(keys)
  const ms = performance.now() - start
  if (values.length !== LAYERS) throw new Error(`${values.length} layers are stored`)
  await db.close()
  return ms
}

async function loadCached(location: string, layerHashes: readonly string[]): Promise<number> {
  const { db, cache } = openLayerCache(location)
  const [chunk] = cache.chunksOf(TOKENS)
  await cache.hasPrefix(TOKENS) // The index is in memory from now on.
  dropPageCache()
  const start = performance.now()
  const loaded = await cache.getLayers(chunk!)
  const ms = performance.now() - start
  await db.close()
  const hashes = loaded?.map(layer => createHash('sha256').update(layer).digest('hex'))
  if (hashes?.join() !== layerHashes.join()) throw new Error('What was loaded is not what was stored')
  return ms
}
