import type { Codec } from 'compressed-kv'

/** What is measured beside others. */
export interface Contender extends Pick<Codec, 'name' | 'compress' | 'decompress'> {
  /** Calls that are timed, and calls that are counted for the main thread's share. */
  readonly rounds: number
}
