import { bytesText, countText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { askChild } from './child.js'
import type { MemoryReply, MemoryRequest } from './memory-child.js'
import { jsonPayload, payloadText } from './payload.js'
import { MIB } from './sizes.js'

const CHILD = new URL('./memory-child.js', import.meta.url)
const VALUE_BYTES = 100
const QUICK_RECORDS = 1_000_000
const FULL_RECORDS = 10_000_000
/** The most MiB by which the process may grow. */
const BAR = 64

/** Measures by how much a process grows that writes, reads and recovers a large log. */
export async function benchMemory(report: Report, corpus: string | undefined, full: boolean): Promise<void> {
  const json = jsonPayload(corpus)
  const records = full ? FULL_RECORDS : QUICK_RECORDS
  report.section(
    `Memory: a log of ${countText(records)} records of ${VALUE_BYTES} B is written, read and recovered`,
    ...(full ? [] : ['With --full there are 10 million.']),
    `${payloadText(json)}; policy os, LZ4, 1000 in flight, in a process of its own. By how much RSS has grown at most, sampled every 20 ms, since the`,
    'records were made and a new log was open, before the first append.'
  )
  const request: MemoryRequest = { records, valueBytes: VALUE_BYTES, corpus: corpus ?? null }
  const reply = await askChild<MemoryReply>(CHILD, ['--expose-gc'], request)
  report.line('')
  report.table(
    ['', 'RSS grew by', 'records/s'],
    reply.phases.map(({ name, grew, milliseconds }) => [
      name,
      bytesText(grew),
      countText((records * 1000) / milliseconds)
    ])
  )
  for (const { name, grew, milliseconds } of reply.phases) {
    report.record('wal memory', { phase: name, records, valueBytes: VALUE_BYTES, rssGrowth: grew, milliseconds })
  }
  report.line('')
  const most = Math.max(...reply.phases.map(({ grew }) => grew))
  report.bar(`RSS growth with ${countText(records)} records, MiB`, most / MIB, '<=', BAR)
}
