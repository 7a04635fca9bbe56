import type { Guard } from '../envelope/guard.js'
import type { Unsealer } from './reading/unsealer.js'
import type { Sealer } from './writing/sealer.js'

/** What turns values into envelopes, and envelopes into values. */
export interface Coding {
  readonly sealer: Sealer
  readonly unsealer: Unsealer
}

/** @param guard of the store's marker */
export type CodingFor = (guard: Guard) => Coding
