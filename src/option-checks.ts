import { inspect } from 'node:util'
import { invalidOption } from './errors.js'

/** The longest delay of setTimeout and setInterval: with a longer one they fire at once. */
export const MAX_INTERVAL_MS = 2 ** 31 - 1

export function isInterval(ms: number, least: number): boolean {
  return Number.isInteger(ms) && ms >= least && ms <= MAX_INTERVAL_MS
}

/** @throws CKV_INVALID_OPTION */
export function assertBytes(name: string, value: number, most: number): void {
  const whole = Number.isInteger(value) || value === Infinity
  if (whole && value >= 0 && value <= most) return
  const range = most === Infinity ? '0 or more' : `0 to ${most}`
  throw invalidOption(`${name} must be a whole number of bytes, ${range}, not ${shown(value)}`)
}

/** A value as messages show it: on one line, and text in quotes, so that '3' differs from 3. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 60, maxArrayLength: 3, breakLength: Infinity })
}
