/**
 * The codes of all errors that this library throws by itself. Where abstract-level's codes fit they are used, so that code written for a plain
 * `level` database keeps working; the library's own start with `CKV_`. Codes are stable, messages are not.
 */
export type ErrorCode =
  | 'CKV_INVALID_OPTION' // an option, codec or rule that cannot be honoured
  | 'CKV_CODEC_UNAVAILABLE' // the package behind a codec did not load; the message names it and the remedy
  | 'CKV_VALUE_TOO_LARGE' // longer than maxValueSize, written or read; or a batch larger than a frame of the log
  | 'LEVEL_NOT_SUPPORTED' // the backend, codec or format version cannot do what was asked
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_ITERATOR_NOT_OPEN' // an iterator waited for a store that failed to open
  | 'LEVEL_LOCKED' // another store holds the backend, or another process the log
  | 'LEVEL_READONLY' // a write to a store or log opened with readOnly: true, or to a frozen MemTable
  | 'LEVEL_INVALID_KEY' // the key lies in the reserved range, or its encoding returned neither text nor bytes
  | 'LEVEL_INVALID_VALUE' // the value's encoding returned neither text nor bytes
  | 'CKV_OUT_OF_RANGE' // a position or sequence number that the log does not hold
  | 'CKV_BUSY' // there is no room for the write, and nothing of it is stored: too many writes wait, or the backend takes none
  | 'CKV_OUTCOME_UNKNOWN' // logged, but refused by the backend: the write may be there after the next open
  | 'CKV_TENSOR_MISMATCH' // of a TensorCache: a tensor or chunk of another model, dtype or shape
  | 'CKV_MODEL_MISMATCH' // of a BlobStore: the blob was put for another model
  | 'LEVEL_IO_ERROR' // the file system failed; nothing more is written until the log is opened again
  | 'LEVEL_DECODE_ERROR' // a value that the value encoding cannot read; the cause is what the encoding threw
  | 'LEVEL_CORRUPTION' // stored bytes fail their checksum or contradict themselves

/**
 * Thrown by this library. Errors of abstract-level and of the backend pass through unchanged. `cause` is what was caught, if
 * anything.
 */
export class CompressedKvError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options?.cause === undefined ? {} : options) // An error without a cause has no such property.
    this.name = 'CompressedKvError'
    this.code = code
  }
}

const CORRUPTION_PREFIX = 'Corrupt data: '

export function corruption(what: string, cause?: unknown): CompressedKvError {
  return new CompressedKvError('LEVEL_CORRUPTION', `${CORRUPTION_PREFIX}${what}`, { cause })
}

/** What is corrupt according to an error, as a part of another message. */
export function whatIsCorrupt({ message }: Error): string {
  return message.startsWith(CORRUPTION_PREFIX) ? message.slice(CORRUPTION_PREFIX.length) : message
}

/** The error that abstract-level throws if a value cannot be decoded. */
export function decodeFailed(cause: unknown): CompressedKvError {
  return new CompressedKvError('LEVEL_DECODE_ERROR', 'Could not decode value', { cause })
}

export function invalidOption(message: string): CompressedKvError {
  return new CompressedKvError('CKV_INVALID_OPTION', message)
}

export function notSupported(message: string, cause?: unknown): CompressedKvError {
  return new CompressedKvError('LEVEL_NOT_SUPPORTED', message, { cause })
}

export function tooLarge(bytes: number, maxValueSize: number): CompressedKvError {
  return new CompressedKvError(
    'CKV_VALUE_TOO_LARGE',
    `A value of ${bytes} bytes is larger than maxValueSize, ${maxValueSize}: raise that option to accept it`
  )
}

export function tooLargeForFrame(bytes: number, maxFrameBytes: number): CompressedKvError {
  return new CompressedKvError(
    'CKV_VALUE_TOO_LARGE',
    `A record or batch of ${bytes} bytes is larger than a frame of the log, ${maxFrameBytes}: split it`
  )
}

export function codecUnavailable(usedFor: string, packageName: string, cause: unknown): CompressedKvError {
  const remedy = isOfForbiddenAddons(cause)
    ? 'start Node.js without --no-addons, or with --allow-addons beside --permission'
    : `run 'npm install ${packageName}' (with optional dependencies, which carry its binaries)`
  return new CompressedKvError(
    'CKV_CODEC_UNAVAILABLE',
    `${usedFor} needs the package '${packageName}', which does not load on ${process.platform}-${process.arch}: ` +
      `${remedy}, or choose another codec`,
    { cause }
  )
}

/** Packages try several files in turn, and chain the errors: that of Node.js may be below others. */
function isOfForbiddenAddons(error: unknown): boolean {
  for (let depth = 0, each = error; each instanceof Error && depth < 10; depth++, each = each.cause) {
    if ((each as { code?: unknown }).code === 'ERR_DLOPEN_DISABLED') return true
  }
  return false
}

/** @param failures how many flushes in a row have failed */
export function noRoom(failures: number, cause: unknown): CompressedKvError {
  return new CompressedKvError(
    'CKV_BUSY',
    `There is no room for the write, and nothing of it is stored: the MemTable is full, and ${failures} flushes in a row failed ` +
      `(${messageOf(cause)}). Try again when the backend takes writes. ` +
      'LevelDB that has failed to write takes none until the store is closed and opened again',
    { cause }
  )
}

/** The same error, in the same words, with which abstract-level's `open()` rejects. @param cause why opening has failed, if it has */
export function databaseNotOpen(cause?: unknown): CompressedKvError {
  const message = cause === undefined ? 'Database is not open' : 'Database failed to open'
  return new CompressedKvError('LEVEL_DATABASE_NOT_OPEN', message, { cause })
}

/** @param cause why opening has failed */
export function iteratorNotOpen(cause: unknown): CompressedKvError {
  return new CompressedKvError('LEVEL_ITERATOR_NOT_OPEN', 'Iterator is not open: the database failed to open', {
    cause
  })
}

export function outOfRange(message: string): CompressedKvError {
  return new CompressedKvError('CKV_OUT_OF_RANGE', message)
}

export function outcomeUnknown(cause: unknown): CompressedKvError {
  return new CompressedKvError(
    'CKV_OUTCOME_UNKNOWN',
    `The outcome of the write is unknown: it is logged, and the backend refused it (${messageOf(cause)}). ` +
      'It may be there after the next open. Write it again, or something else under the same keys',
    { cause }
  )
}

export function ioError(what: string, cause: unknown): CompressedKvError {
  return new CompressedKvError('LEVEL_IO_ERROR', `${what}: ${messageOf(cause)}`, { cause })
}

function messageOf(cause: unknown): string {
  return (cause as Error)?.message ?? String(cause)
}
