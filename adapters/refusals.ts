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
