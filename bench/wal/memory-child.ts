import { Wal } from 'compressed-kv'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { jsonPayload, recordsOf } from './payload.js'
import { appendAll } from './rates.js'
import { scanAll } from './scan.js'

export interface MemoryRequest {
  readonly records: number
  readonly valueBytes: number
  readonly corpus: string | null
}

export interface MemoryReply {
  readonly phases: readonly {
    readonly name: string
    /** The highest RSS during this phase, less that before everything, in bytes. */
    readonly grew: number
    readonly milliseconds: number
  }[]
}

const SAMPLE_MS = 20

process.once('message', (request: MemoryRequest) => {
  void measure(request).then(reply => process.send!(reply))
})

async function measure({ records: count, valueBytes, corpus }: MemoryRequest): Promise<MemoryReply> {
  const records = recordsOf(jsonPayload(corpus ?? undefined), valueBytes)
  return inTemporaryDirectory(async dir => {
    let { wal } = await Wal.open({ dir, fsync: 'os' })
    globalThis.gc!()
    await new Promise(resolve => setTimeout(resolve, 50))
    const before = process.memoryUsage.rss()
    const written = await phase('write', before, () => appendAll(wal, records, count, 1000))
    const read = await phase('read', before, () => scanAll(wal, count))
    await wal.close()
    const recovered = await phase('recover', before, async () => {
      ;({ wal } = await Wal.open({ dir, fsync: 'os' }))
    })
    await wal.close()
    return { phases: [written, read, recovered] }
  })
}

async function phase(name: string, before: number, work: () => Promise<void>): Promise<MemoryReply['phases'][number]> {
  let highest = process.memoryUsage.rss()
  const sample = () => (highest = Math.max(highest, process.memoryUsage.rss()))
  const timer = setInterval(sample, SAMPLE_MS)
  const start = performance.now()
  await work()
  const milliseconds = performance.now() - start
  clearInterval(timer)
  return { name, grew: sample() - before, milliseconds }
}
