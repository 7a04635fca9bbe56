import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { CompressedKvStore } from 'compressed-kv'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { bytesText, megabytesPerSecond, ratioText, threeDigits } from '../harness/number-text.js'
import { median } from '../harness/median.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { dropPageCache } from '../wal/page-cache.js'
import { ENTRY_BYTES, realTensors, seededTensors } from './tensors.js'

const LAYERS = 32
const ROUNDS = 9
/** What one read of the plain file takes. */
const READ_BYTES = 1024 * 1024
/** Rate of the cache over that of the plain file. */
const BAR = 0.3

const TOKENS = Array.from({ length: 1024 }, (_, i) => i)
const SHAPE = [1024, 8, 128]

interface Contender {
  readonly name: string
  /** @returns milliseconds */
  readonly load: () => Promise<number>
}

/** A chunk of 32 layers out of a TensorCache, beside the same stored bytes out of a plain file and out of the bare database. */
export async function benchCacheLoad(report: Report, corpus: string | undefined): Promise<void> {
  const tensors = (corpus === undefined ? seededTensors() : realTensors(corpus)).filter(({ dtype }) => dtype === 'bf16')
  const layers = Array.from({ length: LAYERS }, (_, i) => wordsOf(tensors[i % tensors.length]!.bytes))
  await inTemporaryDirectory(async directory => {
    const database = join(directory, 'db')
    const storedBytes = await store(database, layers)
    const file = join(directory, 'plain')
    writePlain(file, storedBytes)
    const isCold = dropPageCache()
    report.section(
      `Loading a chunk: ${LAYERS} layers of 2 MiB, bf16, ${tensors.map(({ name }) => name).join(', ')}`,
      `${bytesText(LAYERS * ENTRY_BYTES)} in ${bytesText(storedBytes)} over classic-level; ${ROUNDS} rounds in turns, medians; the page cache`,
      isCold ? 'is dropped before each.' : 'cannot be dropped here: everything is read from memory.',
      'MB/s of stored bytes. The plain file holds as many, and nothing is decoded; the bare database gives the envelopes as they are.'
    )
    const contenders: readonly Contender[] = [
      { name: 'plain file', load: async () => loadPlain(file) },
      { name: 'bare database', load: () => loadBare(database) },
      { name: 'TensorCache.getLayers', load: () => loadCached(database, layers) }
    ]
    const rounds = await alternate(ROUNDS, contenders, contender => contender.load())
    report.table(
      ['', 'ms', 'MB/s', '/ file'],
      contenders.map(({ name }, i) => {
        const ms = median(rounds[i]!)
        const rate = megabytesPerSecond(storedBytes, ms)
        report.record('tensor cache load', { contender: name, cold: isCold, storedBytes, milliseconds: ms })
        return [name, threeDigits(ms), threeDigits(rate), ratioText(medianQuotient(rounds[0]!, rounds[i]!))]
      })
    )
    report.line('')
    if (isCold) report.bar('32 layers of 2 MiB, over a plain file', medianQuotient(rounds[0]!, rounds[2]!), '>=', BAR)
  })
}

function openStore(location: string): CompressedKvStore<string, Buffer> {
  return new CompressedKvStore(new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' }))
}

function cacheIn(db: CompressedKvStore<string, Buffer>): TensorCache<'bf16'> {
  return new TensorCache(db, { model: 'm', dtype: 'bf16', layers: LAYERS, shape: SHAPE, seqAxis: 0, maxBytes: 1e9 })
}

async function store(location: string, layers: readonly Uint16Array[]): Promise<number> {
  const db = openStore(location)
  const cache = cacheIn(db)
  await cache.putPrefix(TOKENS, layers)
  const { bytes } = cache.stats()
  await db.close()
  return bytes
}

/** Bytes that no file system compresses. */
function writePlain(file: string, bytes: number): void {
  const source = seededTensors()[0]!.bytes
  const descriptor = openSync(file, 'wx')
  for (let at = 0; at < bytes; at += source.length) {
    writeSync(descriptor, source, 0, Math.min(source.length, bytes - at), at)
  }
  fsyncSync(descriptor) // What is not on disk yet stays in the page cache.
  closeSync(descriptor)
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

async function loadCached(location: string, layers: readonly Uint16Array[]): Promise<number> {
  const db = openStore(location)
  const cache = cacheIn(db)
  const [chunk] = cache.chunksOf(TOKENS)
  await cache.hasPrefix(TOKENS) // The index is in memory from now on.
  dropPageCache()
  const start = performance.now()
  const loaded = await cache.getLayers(chunk!)
  const ms = performance.now() - start
  await db.close()
  const isSame = (layer: Uint16Array, i: number) => bytesOf(layer).equals(bytesOf(layers[i]!))
  if (loaded?.length !== LAYERS || !loaded.every(isSame)) throw new Error('What was loaded is not what was stored')
  return ms
}

function wordsOf({ buffer, byteOffset, byteLength }: Buffer): Uint16Array {
  return new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
