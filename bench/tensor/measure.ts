import { type Codec, lz4, none, tensor, zstd } from 'compressed-kv'
import { threadMilliseconds } from '../harness/main-thread.js'
import { median } from '../harness/median.js'
import { alternate } from '../harness/rounds.js'
import { bloscContenders } from './blosc.js'
import type { Contender } from './contender.js'
import type { Tensor } from './tensors.js'

const ROUNDS = 31

export interface Measured {
  readonly name: string
  /** Raw bytes over compressed bytes: larger is better. */
  readonly ratio: number
  readonly encode: Times
  readonly decode: Times
}

/** Milliseconds. */
export interface Times {
  readonly median: number
  /** A tenth of the calls was faster: what a machine does that has nothing else to do. */
  readonly best: number
  /** Processor time of the calling thread; undefined where the system does not tell. */
  readonly mainThread: number | undefined
  /** That over the wall time of the same calls. */
  readonly mainThreadShare: number | undefined
}

export const TENSOR_ZSTD = 'tensor, zstd'
export const TENSOR_LZ4 = 'tensor, lz4'

function named(name: string, codec: Codec): Contender {
  return {
    name,
    compress: data => codec.compress(data),
    decompress: (data, rawLength) => codec.decompress(data, rawLength),
    rounds: ROUNDS
  }
}

async function contenders({ dtype }: Tensor): Promise<Contender[]> {
  return [
    named('raw copy', none()),
    named('lz4', lz4()),
    named('zstd 3', zstd()),
    ...(await bloscContenders()),
    named(TENSOR_LZ4, tensor({ dtype, codec: 'lz4' })),
    named(TENSOR_ZSTD, tensor({ dtype })),
    named('tensor, zstd 3', tensor({ dtype, codec: zstd() }))
  ]
}

/** Every contender on one tensor, one call at a time, in turns; off the main thread where it can. */
export async function measureAll(value: Tensor): Promise<Measured[]> {
  const all = await contenders(value)
  const compressed = new Map<Contender, Uint8Array>()
  for (const contender of all) compressed.set(contender, await checked(contender, value.bytes))
  const { length } = value.bytes
  const encode = (contender: Contender) => contender.compress(value.bytes)
  const decode = (contender: Contender) => contender.decompress(compressed.get(contender)!, length)
  const encodeTimes = await inTurns(all, encode)
  const decodeTimes = await inTurns(all, decode)
  const measured: Measured[] = []
  for (const contender of all) {
    measured.push({
      name: contender.name,
      ratio: length / compressed.get(contender)!.length,
      encode: await times(encodeTimes.get(contender)!, () => encode(contender)),
      decode: await times(decodeTimes.get(contender)!, () => decode(contender))
    })
  }
  return measured
}

type Call = (contender: Contender) => Promise<unknown>

/** ms of each call, the slow contenders among themselves. */
async function inTurns(all: readonly Contender[], call: Call): Promise<Map<Contender, number[]>> {
  const results = new Map<Contender, number[]>()
  for (const rounds of new Set(all.map(contender => contender.rounds))) {
    const group = all.filter(contender => contender.rounds === rounds)
    const measured = await alternate(rounds, group, contender => milliseconds(() => call(contender)))
    for (const [i, contender] of group.entries()) results.set(contender, measured[i]!)
  }
  return results
}

async function checked({ name, compress, decompress }: Contender, bytes: Buffer): Promise<Uint8Array> {
  const compressed = await compress(bytes)
  if (!bytes.equals(await decompress(compressed, bytes.length))) throw new Error(`${name} lost something`)
  return compressed
}

async function milliseconds(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

async function times(measured: readonly number[], call: () => Promise<unknown>): Promise<Times> {
  const sorted = [...measured].sort((a, b) => a - b)
  return {
    median: median(measured),
    best: sorted[Math.floor(sorted.length / 10)]!,
    ...(await mainThread(measured.length, call))
  }
}

/** The system counts processor time in ticks, so several calls are taken together; their wall time has the same collections in it. */
async function mainThread(
  calls: number,
  call: () => Promise<unknown>
): Promise<Pick<Times, 'mainThread' | 'mainThreadShare'>> {
  const before = threadMilliseconds()
  const wall = await milliseconds(async () => {
    for (let i = 0; i < calls; i++) await call()
  })
  if (before === undefined) return { mainThread: undefined, mainThreadShare: undefined }
  const total = threadMilliseconds()! - before
  return { mainThread: total / calls, mainThreadShare: total / wall }
}
