import { invalidOption } from '../errors.js'
import { shown } from '../option-checks.js'
import { MAX_EXPIRES_AT } from './format.js'

/** @param expiresAt ms since 1970; undefined for never */
export function hasExpired(expiresAt: number | undefined): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now()
}

/**
 * When something that is written now expires, in ms since 1970.
 *
 * @param ttl ms, above 0
 * @throws CKV_INVALID_OPTION
 */
export function expiryOf(ttl: number): number {
  const expiresAt = typeof ttl === 'number' && ttl > 0 ? Math.ceil(Date.now() + ttl) : Infinity
  if (expiresAt <= MAX_EXPIRES_AT) return expiresAt
  throw invalidOption(`ttl must be a number of milliseconds above 0, at most until the year 10889, not ${shown(ttl)}`)
}
