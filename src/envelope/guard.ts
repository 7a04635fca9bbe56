import { corruption } from '../errors.js'
import { GUARD_BYTES, GUARD_DAMAGE_BITS } from './format.js'

/** What distinguishes envelopes from plain values that were in the backend before it was wrapped. */
export interface Guard {
  /** 8 bytes, the last 0xff; undefined if the backend was empty when it was wrapped. */
  readonly bytes: Buffer | undefined
  /** Whether plain values may still be there, so that new envelopes need the guard. */
  readonly plainValues: boolean
}

/** The guard of a store that was begun empty: it needs none. */
export const NO_GUARD: Guard = { bytes: undefined, plainValues: false }

/**
 * Distinguishes an envelope from a plain value.
 *
 * @returns the envelope without its guard, or undefined for a plain value
 * @throws LEVEL_CORRUPTION for a guard with one or two flipped bits
 */
export function unguard(stored: Buffer, guard: Guard): Buffer | undefined {
  if (guard.bytes === undefined) return stored
  const at = stored.length - GUARD_BYTES
  const distance = at < 0 ? Infinity : hammingDistance(stored, at, guard.bytes)
  if (distance === 0) return stored.subarray(0, at)
  if (distance <= GUARD_DAMAGE_BITS) throw corruption('its guard is damaged')
  return guard.plainValues ? undefined : stored
}

/** Whether 8 bytes are the guard, or count as a damaged one. */
export function isGuard(bytes: Buffer, guard: Buffer): boolean {
  return hammingDistance(bytes, 0, guard) <= GUARD_DAMAGE_BITS
}

/** In how many bits the guard and the bytes from `at` on differ. Counting stops above GUARD_DAMAGE_BITS. */
function hammingDistance(bytes: Buffer, at: number, guard: Buffer): number {
  let distance = 0
  for (let i = GUARD_BYTES - 1; i >= 0 && distance <= GUARD_DAMAGE_BITS; i--) {
    for (let difference = bytes[at + i]! ^ guard[i]!; difference !== 0; difference &= difference - 1) distance++
  }
  return distance
}
