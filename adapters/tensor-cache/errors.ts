import { CompressedKvError } from 'compressed-kv'

export function mismatch(message: string): CompressedKvError {
  return new CompressedKvError('CKV_TENSOR_MISMATCH', message)
}

export function tooLarge(bytes: number, maxBytes: number): CompressedKvError {
  return new CompressedKvError(
    'CKV_VALUE_TOO_LARGE',
    `Tensors of ${bytes} bytes never fit into maxBytes, ${maxBytes}: raise that option, or cache shorter chunks`
  )
}
