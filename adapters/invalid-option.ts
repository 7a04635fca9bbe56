import { inspect } from 'node:util'
import { CompressedKvError } from 'compressed-kv'

export function invalidOption(message: string): CompressedKvError {
  return new CompressedKvError('CKV_INVALID_OPTION', message)
}

/** A value as a message shows it: on one line, and text in quotes, so that '3' is told from 3. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 60, maxArrayLength: 8, breakLength: Infinity })
}
