import { CompressedKvError } from 'compressed-kv'

/**
 * The error of a call that uses an iterator inside. In a store that is not open, an iterator fails with an error of its own: the caller, who knows
 * of no iterator, gets the one that every other call throws then.
 */
export function asErrorOfCall(error: unknown): unknown {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (code !== 'LEVEL_ITERATOR_NOT_OPEN') return error
  return cause === undefined
    ? new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
    : new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', 'Database failed to open', { cause })
}
