import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { Wal } from 'compressed-kv'
import { inFlightFor } from '../harness/in-flight.js'
import { jsonPayload, recordsOf } from './payload.js'
import { appendAll, type Policy } from './rates.js'
import { KIB } from './sizes.js'

export interface WriterRequest {
  readonly dir: string
  readonly policy: Policy
  readonly corpus: string | null
  readonly milliseconds: number
  readonly inFlight: number
}

export interface WriterReply {
  readonly recordsPerSecond: number
}

/** How much is run before, since every worker compiles its code anew, and is slow until then. */
const WARM_UP = 30_000

const { dir, policy, corpus, milliseconds, inFlight } = workerData as WriterRequest
const port = parentPort!
const records = recordsOf(jsonPayload(corpus ?? undefined), KIB)
const { wal } = await Wal.open({ dir, fsync: policy })
await appendAll(wal, records, WARM_UP, inFlight)

const go = once(port, 'message')
port.postMessage('ready')
await go
const start = performance.now()
const ran = await inFlightFor(milliseconds, inFlight, i => wal.append(records[i % records.length]!))
const recordsPerSecond = (ran * 1000) / (performance.now() - start)
await wal.close()
port.postMessage({ recordsPerSecond } satisfies WriterReply)
