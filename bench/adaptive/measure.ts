import { adaptive, type Codec, CODEC_ID, codecForReading, type CodecSelector, lz4, zstd } from 'compressed-kv'
import { median } from '../harness/median.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import type { Kind } from './kinds.js'

const ROUNDS = 7
/** The store's default: a value of which a smaller share is saved is kept raw. */
const MIN_SAVING = 0.1
const KEY = Buffer.from('key')

interface Contender {
  readonly name: string
  readonly choose: (value: Buffer) => Codec
}

export interface Measured {
  readonly name: string
  /** Stored bytes over raw bytes, without envelopes. */
  readonly ratio: number
  /** MB/s of raw bytes. */
  readonly writeMBs: number
  readonly readMBs: number
  /** Time to write over that of always Zstandard. */
  readonly writeOverZstd: number
  /** How many values are stored with which codec, `none` for raw. */
  readonly stored: ReadonlyMap<string, number>
}

const LZ4 = 'lz4'
export const ZSTD = 'zstd'
export const ADAPTIVE = 'adaptive'
const ADAPTIVE_TOLD = 'adaptive, told'

const selecting = (select: CodecSelector) => (value: Buffer) => select(KEY, value) as Codec

function contenders({ dtype }: Kind): Contender[] {
  return [
    { name: LZ4, choose: () => lz4() },
    { name: ZSTD, choose: () => STRONG },
    { name: ADAPTIVE, choose: selecting(adaptive()) },
    ...(dtype === undefined ? [] : [{ name: ADAPTIVE_TOLD, choose: selecting(adaptive({ tensors: [{ dtype }] })) }])
  ]
}

const STRONG = zstd()

interface Stored {
  readonly codecId: number
  readonly name: string
  readonly bytes: Uint8Array
}

/** Measures each contender on all values of a kind, on the calling thread, in turns. */
export async function measureKind(kind: Kind): Promise<Measured[]> {
  const all = contenders(kind)
  const stored = all.map(contender => kind.values.map(value => store(contender, value)))
  const write = await alternate(ROUNDS, all, async contender => {
    const start = performance.now()
    for (const value of kind.values) store(contender, value)
    return performance.now() - start
  })
  const read = await alternate(ROUNDS, all, async contender => {
    const start = performance.now()
    for (const [i, one] of stored[all.indexOf(contender)]!.entries()) restore(one, kind.values[i]!.length)
    return performance.now() - start
  })
  const raw = kind.values.reduce((sum, { length }) => sum + length, 0)
  return all.map(({ name }, i) => ({
    name,
    ratio: stored[i]!.reduce((sum, { bytes }) => sum + bytes.length, 0) / raw,
    writeMBs: raw / 1e3 / median(write[i]!),
    readMBs: raw / 1e3 / median(read[i]!),
    writeOverZstd: medianQuotient(write[i]!, write[all.findIndex(other => other.name === ZSTD)]!),
    stored: countNames(stored[i]!)
  }))
}

/** Does what a store does: the value is kept raw if no codec is chosen, or if too little is saved. */
function store({ choose }: Contender, value: Buffer): Stored {
  const codec = choose(value)
  if (codec.id === CODEC_ID.none) return { codecId: CODEC_ID.none, name: 'none', bytes: value }
  const bytes = codec.compressSync!(value)
  return bytes.length <= value.length * (1 - MIN_SAVING)
    ? { codecId: codec.id, name: codec.name, bytes }
    : { codecId: CODEC_ID.none, name: 'none', bytes: value }
}

function restore({ codecId, bytes }: Stored, length: number): Uint8Array {
  return codecId === CODEC_ID.none ? bytes : codecForReading(codecId).decompressSync!(bytes, length)
}

function countNames(stored: readonly Stored[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { name } of stored) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
