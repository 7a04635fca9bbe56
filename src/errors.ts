/**
 * Every error this library throws by itself, by code. abstract-level's codes where they fit, so that code written against
 * a plain `level` database keeps working; ours start with `CKV_`. Codes are stable, messages are not.
 */
export type ErrorCode =
  // While constructing or opening
  | 'CKV_INVALID_OPTION' // an option, codec or rule that cannot be honoured
  | 'CKV_CODEC_UNAVAILABLE' // the package behind a codec did not load; the message names it and the remedy
  | 'LEVEL_NOT_SUPPORTED' // the backend, codec or format version cannot do what was asked
  | 'LEVEL_LOCKED' // another store in this process holds the backend
  // At any call
  | 'LEVEL_DATABASE_NOT_OPEN'
  // While writing
  | 'LEVEL_INVALID_KEY' // the key lies in the reserved range
  | 'LEVEL_READONLY' // the store was opened with readOnly: true
  // While reading
  | 'LEVEL_CORRUPTION' // stored bytes fail their checksum or contradict themselves
  // Both
  | 'CKV_VALUE_TOO_LARGE' // longer than maxValueSize

export class CompressedKvError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'CompressedKvError'
    this.code = code
  }
}

export function corruption(what: string, cause?: unknown): CompressedKvError {
  return new CompressedKvError(
    'LEVEL_CORRUPTION',
    `Corrupt value: ${what}`,
    cause === undefined ? undefined : { cause }
  )
}

export function invalidOption(message: string): CompressedKvError {
  return new CompressedKvError('CKV_INVALID_OPTION', message)
}

export function notSupported(message: string): CompressedKvError {
  return new CompressedKvError('LEVEL_NOT_SUPPORTED', message)
}
