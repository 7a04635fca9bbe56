import { CompressedKvError } from '../../errors.js'

const MAX_SHOWN_BYTES = 80

const REMEDY = ': restore it from a backup, overwrite it or delete it'

/** The error of a value that could not be read, with the value's key added to its text and, if the value is damaged, what to do. */
export function errorOfKey(key: Buffer, error: unknown): unknown {
  if (!(error instanceof CompressedKvError)) return error
  const { code, message, cause } = error
  const remedy = code === 'LEVEL_CORRUPTION' ? REMEDY : ''
  const named = `${message} (the value of ${shownKey(key)})${remedy}`
  return new CompressedKvError(code, named, { cause })
}

/** A key as a message shows it: as text if it is text, else in hexadecimal. */
export function shownKey(key: Buffer): string {
  const shown = key.subarray(0, MAX_SHOWN_BYTES)
  const rest = key.length > MAX_SHOWN_BYTES ? '…' : ''
  const text = shown.toString()
  // oxlint-disable-next-line no-control-regex -- those that a terminal would act on
  return /[\u0000-\u001f\u007f\ufffd]/.test(text)
    ? `the key ${shown.toString('hex')}${rest} in hex`
    : `'${text}${rest}'`
}
