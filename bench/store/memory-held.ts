import { fork } from 'node:child_process'
import { once } from 'node:events'
import { bytesText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { BARE_MEMORY, OVER_MEMORY } from './contenders.js'
import type { HeldReply, HeldRequest } from './memory-held-child.js'

const CHILD = new URL('./memory-held-child.js', import.meta.url)
const TOTAL_BYTES = 32 * 1024 * 1024
const SIZES = [
  { name: '1 KiB', valueBytes: 1024 },
  { name: '2 MiB', valueBytes: 2 * 1024 * 1024 }
] as const

/** Measures how much memory the same data takes in the bare memory-level and in one behind the store. */
export async function benchMemoryHeld(report: Report, corpus: string | undefined): Promise<void> {
  report.section(
    `Memory that memory-level takes for ${bytesText(TOTAL_BYTES)} of JSON`,
    'By how much memory has grown since the database was open and empty, after garbage collection; each figure from a process of its own. Every',
    'put gets a Buffer of its own. external includes arrayBuffers, where Buffers are; rss is what the system counts, with memory that is not given back.'
  )
  const rows: string[][] = []
  for (const { name: size, valueBytes } of SIZES) {
    for (const { name } of [BARE_MEMORY, ...OVER_MEMORY]) {
      const request = { contender: name, valueBytes, totalBytes: TOTAL_BYTES, corpus: corpus ?? null }
      const { rss, external, arrayBuffers, heapUsed } = await askChild(request)
      rows.push([`${size} values`, name, ...[rss, external, arrayBuffers, heapUsed].map(bytesText)])
      report.record('store memory', { valueBytes, contender: name, rss, external, arrayBuffers, heapUsed })
    }
  }
  report.line('')
  report.table(['', '', 'rss', 'external', 'arrayBuffers', 'heap'], rows)
}

async function askChild(request: HeldRequest): Promise<HeldReply> {
  const child = fork(CHILD, { execArgv: ['--expose-gc'] })
  try {
    child.send(request)
    const failed = once(child, 'exit').then(() => {
      throw new Error(`Measuring the memory of '${request.contender}' failed: its process ended early`)
    })
    const [reply] = (await Promise.race([once(child, 'message'), failed])) as [HeldReply]
    return reply
  } finally {
    child.kill()
  }
}
