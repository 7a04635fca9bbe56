import type { CodecName } from 'compressed-kv'
import { KIB, MIB } from '../wal/sizes.js'

export interface EventLoopLoad {
  readonly id: 'small' | 'large'
  readonly name: string
  readonly puts: number
  readonly valueBytes: number
  readonly inFlight: number
  readonly rounds: number
  /** What the store is called in the report. */
  readonly store: string
  readonly codec?: CodecName
  /** Whether both are also measured at the rate that bare reached: a store that does several times as many puts is not under the same load. */
  readonly paced?: boolean
}

export const EVENT_LOOP_LOADS: readonly EventLoopLoad[] = [
  {
    id: 'small',
    name: '100 k puts of 1 KiB',
    puts: 100_000,
    valueBytes: KIB,
    inFlight: 1000,
    rounds: 2,
    store: 'store'
  },
  {
    id: 'large',
    name: '200 puts of 2 MiB',
    puts: 200,
    valueBytes: 2 * MIB,
    inFlight: 8,
    rounds: 1,
    store: 'store zstd',
    codec: 'zstd',
    paced: true
  }
]
