// A work queue on the log: jobs are appended, done in order, and deleted with the segments that hold them. It survives restarts.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressedKvStore, Record, Wal } from 'compressed-kv'
import { Level } from 'level'

const JOBS = 200
const FLUSH_JOBS = 16

/** @param directory where jobs and results are kept. Default: a temporary one */
export async function main([directory]: string[] = []) {
  const dir = directory ?? mkdtempSync(join(tmpdir(), 'ckv-example-'))
  try {
    const queue = await open(dir)
    for (let id = 0; id < JOBS; id++) await queue.wal.append(Record.put(`job:${id}`, `text number ${id}`))
    const added = queue.wal.stats().segments
    const first = await work(queue, 5)
    await queue.close()
    console.log(`${JOBS} jobs in ${added} segments; ${first} done, then the process ends`)

    const restarted = await open(dir)
    const second = await work(restarted)
    const results = (await restarted.results.keys({ gte: 'result:', lt: 'result;' }).all()).length
    const left = restarted.wal.stats().segments
    await restarted.close()
    console.log(`${second} done after the restart; ${results} results; ${left} segment left`)
    return { added, first, second, results, left }
  } finally {
    if (directory === undefined) rmSync(dir, { recursive: true, force: true })
  }
}

async function open(dir: string) {
  const results = new CompressedKvStore(new Level(join(dir, 'results')))
  // With 'always', a job that was appended is never lost. Segments are tiny, so that there is something to delete.
  const { wal } = await Wal.open({ dir: join(dir, 'jobs'), fsync: 'always', segmentBytes: 4096, blockBytes: 1024 })
  return { wal, results, close: () => Promise.all([wal.close(), results.close()]) }
}

/** Does the jobs that are there, and stops after `flushes` flushes. Returns how many jobs it did. */
async function work({ wal, results }: Awaited<ReturnType<typeof open>>, flushes = Infinity): Promise<number> {
  const from = Number((await results.get('next')) ?? 1)
  let flushed = from
  let done: { type: 'put'; key: string; value: string }[] = []
  for await (const { record, position } of wal.read({ from })) {
    done.push({ type: 'put', key: `result:${record.key.toString()}`, value: `${record.value?.length} letters` })
    const next = record.sequence + 1
    if (done.length < FLUSH_JOBS && next !== wal.nextSequence) continue
    // The results and the place to go on from are written together or not at all: no job is left out, and none is counted twice.
    await results.batch([...done, { type: 'put', key: 'next', value: String(next) }], { sync: true })
    await wal.deleteSegmentsBefore(position) // Only now, when they are not needed again.
    done = []
    flushed = next
    if (--flushes === 0) break
  }
  return flushed - from
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main(process.argv.slice(2))
