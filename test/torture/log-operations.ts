import { crc32c } from '../../src/checksum/crc32c.js'
import { type LogRecord, Record, type WalOptions, type WalRecord } from '../../src/index.js'
import { noise } from '../support/sample-values.js'
import { seededRandom } from '../support/seeded-random.js'

/** One call of append or appendBatch: what it appends is known from the seed of the process and its number alone. */
export interface Operation {
  readonly number: number
  readonly keys: readonly string[]
  readonly sync: boolean
}

const MAX_SMALL_BYTES = 300
const MAX_BYTES = 100 * 1024
const MAX_BATCH = 20

/** The calls that a process with this seed makes, in order, without end. */
export function* operations(seed: number): Generator<Operation, never> {
  const random = seededRandom(seed)
  const below = (end: number) => Math.floor(random() * end)
  for (let number = 0; ; number++) {
    const count = random() < 0.2 ? 1 + below(MAX_BATCH) : 1
    const keys = Array.from({ length: count }, (_, index) => {
      const large = random() < 0.03
      const bytes = 10 + below(large ? MAX_BYTES : MAX_SMALL_BYTES)
      const kind = random() < 0.1 ? 'delete' : random() < 0.5 ? 'text' : 'noise'
      return [seed, number, index, kind, bytes].join(':')
    })
    yield { number, keys, sync: random() < 0.02 }
  }
}

/** How the process with this seed opens the log. */
export function settingsOf(seed: number): WalOptions & { codecOfValues: 'lz4' | 'zstd' | undefined } {
  const random = seededRandom(seed ^ 0x5bd1e995)
  const oneOf = <T>(...choices: T[]): T => choices[Math.floor(random() * choices.length)]!
  return {
    fsync: oneOf('always', 'interval', 'os'),
    fsyncIntervalMs: oneOf(1, 5, 20),
    codec: oneOf('none', 'lz4', 'zstd'),
    blockBytes: oneOf(1024, 8192, 65_536),
    segmentBytes: oneOf(80_000, 200_000, 1_000_000),
    codecOfValues: oneOf(undefined, 'lz4', 'zstd'),
    meter: false
  }
}

/** The record that a key of {@link operations} belongs to. */
export function recordOf(key: string, codec?: 'lz4' | 'zstd'): LogRecord {
  const value = valueOf(key)
  return value === undefined ? Record.delete(key) : Record.put(key, value, { codec })
}

export function isRight({ key, value }: WalRecord): boolean {
  const expected = valueOf(key.toString())
  return expected === undefined ? value === undefined : value !== undefined && expected.equals(value)
}

function valueOf(key: string): Buffer | undefined {
  const [, , , kind, bytes] = key.split(':')
  if (kind === 'delete') return undefined
  if (kind === 'text') return Buffer.alloc(Number(bytes), `${key} `)
  return noise(Number(bytes), crc32c(Buffer.from(key)) || 1)
}
