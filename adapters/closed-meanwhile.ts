import { CompressedKvError } from 'compressed-kv'

/** The error of a call that reads by an iterator, of which its caller knows nothing: what every other call of a store that is not open has. */
export function asErrorOfCall(error: unknown): unknown {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (code !== 'LEVEL_ITERATOR_NOT_OPEN') return error
  return cause === undefined
    ? new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
    : new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', 'Database failed to open', { cause })
}
