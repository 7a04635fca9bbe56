import { inspect } from 'node:util'
import { CompressedKvError } from 'compressed-kv'

export function invalidOption(message: string): CompressedKvError {
  return new CompressedKvError('CKV_INVALID_OPTION', message)
}

/** A value as a message shows it: on one line, and text in quotes, so that '3' is told from 3. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 60, maxArrayLength: 8, breakLength: Infinity })
}

/**
 * The error of a call that uses an iterator inside. In a store that is not open, an iterator fails with an error of its own: the caller, who knows
 * of no iterator, gets the one that every other call throws then.
 */
export function asErrorOfCall(error: unknown): unknown {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (code !== 'LEVEL_ITERATOR_NOT_OPEN') return error
  const message = cause === undefined ? 'Database is not open' : 'Database failed to open'
  return new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', message, { cause })
}

/** Codes of errors after which it is certain that nothing was written. After other errors it is unknown what was. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  'CKV_BUSY',
  'CKV_CODEC_UNAVAILABLE',
  'CKV_INVALID_OPTION',
  'CKV_VALUE_TOO_LARGE',
  'LEVEL_DATABASE_NOT_OPEN',
  'LEVEL_NOT_SUPPORTED',
  'LEVEL_READONLY'
])

export function isRefusal(error: unknown): boolean {
  return REFUSALS.has((error as { code?: unknown } | undefined)?.code)
}
