import type { Codec } from 'compressed-kv'

/** A codec that is measured beside others. */
export interface Contender extends Pick<Codec, 'name' | 'compress' | 'decompress'> {
  /** How many calls are timed, and how many are made again for the main thread's share. */
  readonly rounds: number
}
