import { createReadStream, createWriteStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CompressedKvStore, type CodecName } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { Level } from 'level'
import { directorySize } from '../harness/directory-size.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { type Resident, residentMemory } from './resident-memory.js'

export interface RoundTripRequest {
  readonly file: string
  /** If undefined, the file is only copied twice, without a store. */
  readonly codec: CodecName | undefined
  /** Options of the backend. */
  readonly level: LevelOptions
}

export interface LevelOptions {
  readonly maxOpenFiles?: number
  readonly maxFileSize?: number
}

export interface Way {
  readonly milliseconds: number
  /** The most of each kind of memory at any moment, less what there was before everything. */
  readonly grew: Resident
}

export interface RoundTripReply {
  readonly put: Way
  readonly get: Way
  readonly bytesStored: number
}

const SAMPLE_MS = 10
const WARM_UP = Buffer.alloc(
  4 * 1024 * 1024,
  'what only the first call needs, compiled code for one, counts for no blob '
)

process.once('message', (request: RoundTripRequest) => {
  void inTemporaryDirectory(directory => measure(request, directory)).then(reply => process.send!(reply))
})

function measure({ file, codec, level }: RoundTripRequest, directory: string): Promise<RoundTripReply> {
  const out = join(directory, 'out')
  return codec === undefined ? copies(file, out) : blobs(file, out, new Level(join(directory, 'db'), level), codec)
}

async function copies(file: string, out: string): Promise<RoundTripReply> {
  const before = residentMemory()
  const put = await way(before, () => copy(file, out))
  const get = await way(before, () => copy(file, out))
  return { put, get, bytesStored: (await stat(out)).size }
}

async function blobs(file: string, out: string, level: Level, codec: CodecName): Promise<RoundTripReply> {
  const db = new CompressedKvStore(level, { codec })
  const store = new BlobStore(db)
  await store.putBlob('warm-up', WARM_UP)
  for await (const chunk of (await store.getBlob('warm-up'))!)
    if (chunk === undefined) throw new Error('A chunk is missing')
  await store.deleteBlob('warm-up')
  await db.flush()
  const before = residentMemory()
  const put = await way(before, async () => {
    await store.putFile('blob', file)
    await db.flush() // The put is not done while the backend lacks something that the log has.
  })
  const get = await way(before, () => store.getFile('blob', out)) // Its SHA-256 is checked.
  await db.close()
  return { put, get, bytesStored: directorySize(level.location) }
}

async function copy(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from, { highWaterMark: 1 << 20 }), createWriteStream(to))
  const handle = await open(to, 'r+')
  await handle.sync()
  await handle.close()
}

async function way(before: Resident, work: () => Promise<unknown>): Promise<Way> {
  let grew = difference(residentMemory(), before)
  const timer = setInterval(() => {
    grew = larger(grew, difference(residentMemory(), before))
  }, SAMPLE_MS)
  const start = performance.now()
  await work()
  const milliseconds = performance.now() - start
  clearInterval(timer)
  return { milliseconds, grew: larger(grew, difference(residentMemory(), before)) }
}

function difference(after: Resident, before: Resident): Resident {
  return combined(after, before, (a, b) => a - b)
}

function larger(one: Resident, other: Resident): Resident {
  return combined(one, other, Math.max)
}

function combined(one: Resident, other: Resident, combine: (a: number, b: number) => number): Resident {
  const both = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : combine(a, b)
  return {
    rss: combine(one.rss, other.rss),
    anonymous: both(one.anonymous, other.anonymous),
    mapped: both(one.mapped, other.mapped)
  }
}
