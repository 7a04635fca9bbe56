import { CompressedKvError } from 'compressed-kv'

export function invalidOption(message: string): CompressedKvError {
  return new CompressedKvError('CKV_INVALID_OPTION', message)
}

export function mismatch(message: string): CompressedKvError {
  return new CompressedKvError('CKV_TENSOR_MISMATCH', message)
}

export function tooLarge(bytes: number, maxBytes: number): CompressedKvError {
  return new CompressedKvError(
    'CKV_VALUE_TOO_LARGE',
    `Tensors of ${bytes} bytes never fit into maxBytes, ${maxBytes}: raise that option, or cache shorter chunks`
  )
}

/** Errors after which nothing was written. After others nobody knows. */
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
