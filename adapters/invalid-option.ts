import { CompressedKvError } from 'compressed-kv'

export function invalidOption(message: string): CompressedKvError {
  return new CompressedKvError('CKV_INVALID_OPTION', message)
}
