import { readFileSync } from 'node:fs'
import type { TensorDtype } from 'compressed-kv'
import { threadMilliseconds } from '../harness/main-thread.js'
import { median } from '../harness/median.js'
import { contendersFor } from './contenders.js'

export interface CallsRequest {
  /** Its name. */
  readonly contender: string
  readonly dtype: TensorDtype
  /** Holds the tensor's bytes. */
  readonly file: string
}

export interface CallsReply {
  readonly compressedBytes: number
  readonly encode: Times
  readonly decode: Times
}

/** Milliseconds. */
export interface Times {
  readonly median: number
  /** A tenth of the calls was faster than this. It is about what a machine reaches that has nothing else to do. */
  readonly best: number
  /** Processor time of the calling thread; undefined if the system does not tell. */
  readonly mainThread: number | undefined
  /** That over the wall time of the same calls. */
  readonly mainThreadShare: number | undefined
}

process.once('message', (request: CallsRequest) => {
  void measure(request).then(reply => process.send!(reply))
})

/** One call at a time; off the main thread where the contender can. */
async function measure({ contender, dtype, file }: CallsRequest): Promise<CallsReply> {
  const bytes = readFileSync(file)
  const { compress, decompress, rounds } = (await contendersFor(dtype)).find(({ name }) => name === contender)!
  const compressed = await compress(bytes)
  if (!bytes.equals(await decompress(compressed, bytes.length))) throw new Error(`${contender} lost something`)
  return {
    compressedBytes: compressed.length,
    encode: await times(rounds, () => compress(bytes)),
    decode: await times(rounds, () => decompress(compressed, bytes.length))
  }
}

type Call = () => Promise<unknown>

async function times(rounds: number, call: Call): Promise<Times> {
  const each: number[] = []
  for (let i = 0; i < rounds; i++) each.push(await milliseconds(call))
  each.sort((a, b) => a - b)
  return { median: median(each), best: each[Math.floor(rounds / 10)]!, ...(await mainThread(rounds, call)) }
}

/** Measures several calls together, since the system counts processor time in ticks. Their wall time includes the same garbage collections. */
async function mainThread(calls: number, call: Call): Promise<Pick<Times, 'mainThread' | 'mainThreadShare'>> {
  const before = threadMilliseconds()
  const wall = await milliseconds(async () => {
    for (let i = 0; i < calls; i++) await call()
  })
  if (before === undefined) return { mainThread: undefined, mainThreadShare: undefined }
  const total = threadMilliseconds()! - before
  return { mainThread: total / calls, mainThreadShare: total / wall }
}

async function milliseconds(call: Call): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}
