import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { inFlightFor } from '../harness/in-flight.js'
import { countText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { jsonPayload, payloadText, recordsOf } from './payload.js'
import { medianOf, type Policy } from './rates.js'
import { inRawFile } from './raw-file.js'
import { KIB } from './sizes.js'
import { inLog } from './temporary-log.js'
import type { WriterReply, WriterRequest } from './writers-worker.js'

const ROUNDS = 3
const MILLISECONDS = 150
const WRITERS = [1, 2, 4, 8]
const LOGS = [1, 2]
const IN_FLIGHT_OF_LOG = 1000
const WORKER = new URL('./writers-worker.js', import.meta.url)

interface Contender {
  readonly name: string
  /** Records/s. */
  run(policy: Policy): Promise<number>
}

/** Measures several writers of one log, and several logs, each in a worker thread of its own. */
export async function benchWriters(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const records = recordsOf(json, KIB)
  report.section(
    'Concurrent writers, records/s of 1 KiB',
    `${payloadText(json)}; LZ4. A writer awaits each append before its next; a log in a worker thread has ${IN_FLIGHT_OF_LOG} appends in flight.`,
    `${ROUNDS} rounds of ${MILLISECONDS} ms in turns, medians; / first is over one writer, or one log. All workers share libuv's four threads.`,
    "raw: bare writes of the values, one after another; with 'always' an fdatasync after each."
  )
  const writers = WRITERS.map(count => ({
    name: count === 1 ? '1 writer' : `${count} writers`,
    run: async (policy: Policy) =>
      inLog({ fsync: policy }, async wal => {
        await wal.append(records[0]!)
        const start = performance.now()
        const ran = await inFlightFor(MILLISECONDS, count, i => wal.append(records[i % records.length]!))
        return (ran * 1000) / (performance.now() - start)
      })
  }))
  const logs = LOGS.map(count => ({
    name: count === 1 ? '1 log in a worker' : `${count} logs in workers`,
    run: (policy: Policy) => inWorkers(count, policy, corpus)
  }))
  const raw = { name: 'raw write', run: (policy: Policy) => rawWrites(records, policy === 'always') }
  const contenders: readonly Contender[] = [...writers, ...logs, raw]

  const columns: string[][] = []
  for (const policy of ['os', 'always'] as const) {
    const rounds = await alternate(ROUNDS, contenders, contender => contender.run(policy))
    columns.push(
      ...contenders.reduce<[string[], string[]]>(
        (column, { name }, i) => {
          const first = i < writers.length ? 0 : writers.length
          const over = medianQuotient(rounds[i]!, rounds[first]!)
          const perSecond = medianOf(rounds[i]!, rate => rate)
          report.record('wal writers', {
            payload: json.name,
            bitsPerByte: json.bits,
            policy,
            contender: name,
            recordsPerSecond: perSecond
          })
          column[0].push(countText(perSecond))
          column[1].push(name === raw.name ? '' : ratioText(over))
          return column
        },
        [[], []]
      )
    )
  }
  report.line('')
  report.table(
    ['', 'os', '/ first', 'always', '/ first'],
    contenders.map(({ name }, i) => [name, ...columns.map(column => column[i]!)])
  )
}

async function inWorkers(count: number, policy: Policy, corpus: string | undefined): Promise<number> {
  return inTemporaryDirectory(async directory => {
    const workers = Array.from({ length: count }, (_, i) => {
      const workerData: WriterRequest = {
        dir: `${directory}/${i}`,
        policy,
        corpus: corpus ?? null,
        milliseconds: MILLISECONDS,
        inFlight: IN_FLIGHT_OF_LOG
      }
      return new Worker(WORKER, { workerData })
    })
    try {
      await Promise.all(workers.map(worker => once(worker, 'message'))) // All are ready.
      for (const worker of workers) worker.postMessage('go')
      const replies = (await Promise.all(workers.map(worker => once(worker, 'message')))) as [WriterReply][]
      return replies.reduce((sum, [{ recordsPerSecond }]) => sum + recordsPerSecond, 0)
    } finally {
      await Promise.all(workers.map(worker => worker.terminate()))
    }
  })
}

async function rawWrites(records: readonly { readonly value: Uint8Array }[], sync: boolean): Promise<number> {
  return inRawFile(async file => {
    const start = performance.now()
    let ran = 0
    do {
      file.write(records[ran++ % records.length]!.value)
      if (sync) await file.sync()
    } while (performance.now() - start < MILLISECONDS)
    return (ran * 1000) / (performance.now() - start)
  })
}
