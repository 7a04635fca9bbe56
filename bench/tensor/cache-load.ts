import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { median } from '../harness/median.js'
import { bytesText, megabytesPerSecond, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { askChild } from '../wal/child.js'
import { dropPageCache } from '../wal/page-cache.js'
import type { LoadReply, LoadRequest } from './cache-load-child.js'
import { LAYERS, openLayerCache, TOKENS } from './layer-cache.js'
import { ENTRY_BYTES, realTensors, seededTensors } from './tensors.js'

const CHILD = new URL('./cache-load-child.js', import.meta.url)
const ROUNDS = 9
/** The least rate of the cache, over that of the plain file. */
const BAR = 0.3

/** Measures how long a chunk of 32 layers takes to load from a TensorCache, beside as many stored bytes from a plain file and a bare database. */
export async function benchCacheLoad(report: Report, corpus: string | undefined): Promise<void> {
  const tensors = (corpus === undefined ? seededTensors() : realTensors(corpus)).filter(({ dtype }) => dtype === 'bf16')
  const layers = Array.from({ length: LAYERS }, (_, i) => tensors[i % tensors.length]!.bytes)
  await inTemporaryDirectory(async directory => {
    const database = join(directory, 'db')
    const storedBytes = await store(database, layers)
    const plainFile = join(directory, 'plain')
    writePlain(plainFile, storedBytes)
    const isCold = dropPageCache()
    report.section(
      `Loading a chunk: ${LAYERS} layers of 2 MiB, bf16, ${tensors.map(({ name }) => name).join(', ')}`,
      `${bytesText(LAYERS * ENTRY_BYTES)} in ${bytesText(storedBytes)} over classic-level; in a process that does nothing else, ${ROUNDS} rounds in turns, medians;`,
      isCold
        ? 'the page cache is dropped before each.'
        : 'the page cache cannot be dropped here: everything is read from memory.',
      'MB/s are of stored bytes. The plain file has as many bytes, and nothing of it is decoded; the bare database gives the envelopes as they are.'
    )
    const layerHashes = layers.map(layer => createHash('sha256').update(layer).digest('hex'))
    const request: LoadRequest = { database, plainFile, rounds: ROUNDS, layerHashes }
    const loads = await askChild<LoadReply>(CHILD, [], request)
    const contenders = [
      { name: 'plain file', milliseconds: loads.plainFile },
      { name: 'bare database', milliseconds: loads.bareDatabase },
      { name: 'TensorCache.getLayers', milliseconds: loads.cache }
    ]
    report.table(
      ['', 'ms', 'MB/s', '/ file'],
      contenders.map(({ name, milliseconds }) => {
        const ms = median(milliseconds)
        report.record('tensor cache load', { contender: name, cold: isCold, storedBytes, milliseconds: ms })
        const overFile = medianQuotient(loads.plainFile, milliseconds)
        return [name, threeDigits(ms), threeDigits(megabytesPerSecond(storedBytes, ms)), ratioText(overFile)]
      })
    )
    report.line('')
    if (isCold)
      report.bar('32 layers of 2 MiB, over a plain file', medianQuotient(loads.plainFile, loads.cache), '>=', BAR)
  })
}

async function store(location: string, layers: readonly Buffer[]): Promise<number> {
  const { db, cache } = openLayerCache(location)
  await cache.putPrefix(TOKENS, layers.map(wordsOf))
  const { bytes } = cache.stats()
  await db.close()
  return bytes
}

/** Writes bytes that no file system can compress. */
function writePlain(file: string, bytes: number): void {
  const source = seededTensors()[0]!.bytes
  const descriptor = openSync(file, 'wx')
  for (let at = 0; at < bytes; at += source.length) {
    writeSync(descriptor, source, 0, Math.min(source.length, bytes - at), at)
  }
  fsyncSync(descriptor) // Pages that are not on disk yet would stay when the page cache is dropped.
  closeSync(descriptor)
}

function wordsOf({ buffer, byteOffset, byteLength }: Buffer): Uint16Array {
  return new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)
}
