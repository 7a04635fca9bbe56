import { invalidOption } from '../errors.js'
import { isInterval, MAX_INTERVAL_MS, shown } from '../option-checks.js'
import type { Gc } from './policy.js'

/** @throws CKV_INVALID_OPTION */
export function assertPolicy(name: string, policy: Gc): void {
  if (typeof policy?.process === 'function') return
  throw invalidOption(`${name} must have a method process(value), as new Lz4Gc(), new ZstdGc() and new NoGc() do`)
}

/** @throws CKV_INVALID_OPTION */
export function assertSweepInterval(name: string, ms: number, least: number): void {
  if (isInterval(ms, least)) return
  throw invalidOption(`${name} must be a whole number of ms, ${least} to ${MAX_INTERVAL_MS}, not ${shown(ms)}`)
}

/** @throws CKV_INVALID_OPTION */
export function assertRate(name: string, bytesPerSecond: number): void {
  if (typeof bytesPerSecond === 'number' && bytesPerSecond > 0) return
  throw invalidOption(`${name} must be a number above 0, or Infinity, not ${shown(bytesPerSecond)}`)
}
