import { getHeapStatistics } from 'node:v8'
import type { LogRecord, Wal } from 'compressed-kv'
import { median } from '../harness/median.js'
import { jsonPayload, recordsOf } from './payload.js'
import { appendAll } from './rates.js'
import { KIB } from './sizes.js'
import { inLog } from './temporary-log.js'

export interface AllocationsRequest {
  readonly corpus: string | null
}

export interface AllocationsReply {
  /** In bytes for one operation. */
  readonly operations: readonly { readonly name: string; readonly heap: number; readonly buffers: number }[]
}

const OPERATIONS = 20_000
const BATCH = 1000
const ROUNDS = 5

process.once('message', (request: AllocationsRequest) => {
  void measure(request).then(reply => process.send!(reply))
})

async function measure({ corpus }: AllocationsRequest): Promise<AllocationsReply> {
  const json = jsonPayload(corpus ?? undefined)
  const small = recordsOf(json, 100)
  const records = recordsOf(json, KIB)
  const operations: AllocationsReply['operations'][number][] = []
  const take = async (name: string, work: (wal: Wal) => Promise<unknown>) =>
    inLog({ fsync: 'os' }, async wal => {
      await appendAll(wal, records, OPERATIONS, 1000)
      await work(wal)
      operations.push({ name, ...(await allocated(() => work(wal))) })
    })
  await take('append of 100 B, 1000 in flight', wal => appendAll(wal, small, OPERATIONS, 1000))
  await take('append of 1 KiB, 1000 in flight', wal => appendAll(wal, records, OPERATIONS, 1000))
  await take('append of 1 KiB, one at a time', wal => appendAll(wal, records, OPERATIONS, 1))
  await take('a record of a batch of 1000, 1 KiB', wal => appendBatches(wal, records))
  await take('get of 1 KiB in a cached frame', wal => getAgain(wal))
  await take('scan, a record of 1 KiB', wal => scan(wal))
  return { operations }
}

async function allocated(work: () => Promise<unknown>): Promise<{ heap: number; buffers: number }> {
  const heaps: number[] = []
  const buffers: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    globalThis.gc!()
    await new Promise(resolve => setTimeout(resolve, 20))
    const heapBefore = getHeapStatistics().used_heap_size
    const buffersBefore = process.memoryUsage().arrayBuffers
    await work()
    heaps.push((getHeapStatistics().used_heap_size - heapBefore) / OPERATIONS)
    buffers.push((process.memoryUsage().arrayBuffers - buffersBefore) / OPERATIONS)
  }
  return { heap: median(heaps), buffers: median(buffers) }
}

async function appendBatches(wal: Wal, records: readonly LogRecord[]): Promise<void> {
  const batch = records.slice(0, BATCH)
  for (let i = 0; i < OPERATIONS; i += BATCH) await wal.appendBatch(batch)
}

async function getAgain(wal: Wal): Promise<void> {
  for (let i = 0; i < OPERATIONS; i++) await wal.get(1 + (i % 50))
}

async function scan(wal: Wal): Promise<void> {
  let left = OPERATIONS
  for await (const { record } of wal.read()) {
    if (record.kind !== 'put' || --left === 0) break
  }
}
