import { type Codec, lz4, none, tensor, zstd } from 'compressed-kv'
import { threadMilliseconds } from '../harness/main-thread.js'
import { median } from '../harness/median.js'
import { alternate } from '../harness/rounds.js'
import type { Tensor } from './tensors.js'

const ROUNDS = 31
/** Calls for one figure of the main thread's processor time, which the system counts in ticks. */
const CALLS_COUNTED = 30

export interface Contender {
  readonly name: string
  readonly codec: Codec
}

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
}

export const TENSOR_ZSTD = 'tensor, zstd'
export const TENSOR_LZ4 = 'tensor, lz4'

function contenders({ dtype }: Tensor): Contender[] {
  return [
    { name: 'raw copy', codec: none() },
    { name: 'lz4', codec: lz4() },
    { name: 'zstd 3', codec: zstd() },
    { name: TENSOR_LZ4, codec: tensor({ dtype, codec: 'lz4' }) },
    { name: TENSOR_ZSTD, codec: tensor({ dtype }) },
    { name: 'tensor, zstd 3', codec: tensor({ dtype, codec: zstd() }) }
  ]
}

/** Every contender on one tensor, off the main thread, one call at a time, in turns. */
export async function measureAll(value: Tensor): Promise<Measured[]> {
  const all = contenders(value)
  const compressed = new Map<Contender, Uint8Array>()
  for (const contender of all) compressed.set(contender, await checked(contender, value.bytes))
  const { length } = value.bytes
  const encode = (contender: Contender) => contender.codec.compress(value.bytes)
  const decode = (contender: Contender) => contender.codec.decompress(compressed.get(contender)!, length)
  const encodeTimes = await alternate(ROUNDS, all, contender => milliseconds(() => encode(contender)))
  const decodeTimes = await alternate(ROUNDS, all, contender => milliseconds(() => decode(contender)))
  const measured: Measured[] = []
  for (const [i, contender] of all.entries()) {
    measured.push({
      name: contender.name,
      ratio: length / compressed.get(contender)!.length,
      encode: await times(encodeTimes[i]!, () => encode(contender)),
      decode: await times(decodeTimes[i]!, () => decode(contender))
    })
  }
  return measured
}

async function checked({ name, codec }: Contender, bytes: Buffer): Promise<Uint8Array> {
  const compressed = await codec.compress(bytes)
  if (!bytes.equals(await codec.decompress(compressed, bytes.length))) throw new Error(`${name} lost something`)
  return compressed
}

async function milliseconds(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

async function times(measured: readonly number[], call: () => Promise<unknown>): Promise<Times> {
  const sorted = [...measured].sort((a, b) => a - b)
  return { median: median(measured), best: sorted[Math.floor(sorted.length / 10)]!, mainThread: await mainThread(call) }
}

async function mainThread(call: () => Promise<unknown>): Promise<number | undefined> {
  const before = threadMilliseconds()
  if (before === undefined) return undefined
  for (let i = 0; i < CALLS_COUNTED; i++) await call()
  return (threadMilliseconds()! - before) / CALLS_COUNTED
}
