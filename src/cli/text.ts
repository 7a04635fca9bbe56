import { isUtf8 } from 'node:buffer'
import { WrongUsage } from './failure.js'

/** How keys and values are written in arguments and output. */
export type TextEncoding = 'utf8' | 'hex' | 'base64'

export const TEXT_ENCODINGS: readonly TextEncoding[] = ['utf8', 'hex', 'base64']

/** @throws WrongUsage for text that is not in that encoding: Node.js would silently drop the wrong part */
export function bytesOf(text: string, encoding: TextEncoding): Buffer {
  const bytes = Buffer.from(text, encoding)
  const same =
    encoding === 'utf8' ||
    (encoding === 'hex'
      ? text.length === bytes.length * 2
      : withoutPadding(text) === withoutPadding(bytes.toString('base64')))
  if (same) return bytes
  throw new WrongUsage(`'${shortened(text)}' is not ${encoding}: check --encoding`)
}

function withoutPadding(text: string): string {
  return text.replace(/=+$/, '')
}

/** A key as people are shown it: in hex if it is not text, or if it would disturb a terminal. */
export function shownKey(key: Buffer, encoding: TextEncoding = 'utf8'): string {
  if (encoding !== 'utf8') return key.toString(encoding)
  // oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
  if (isUtf8(key) && !/[\u0000-\u001f\u007f-\u009f]/.test(key.toString())) return key.toString()
  return `0x${key.toString('hex')}`
}

const MAX_SHOWN = 60

function shortened(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`
}

/** The range of keys that begin with `prefix`. It has no upper bound if `prefix` is of bytes ff only: no other keys lie above. */
export function rangeOfPrefix(prefix: Buffer): { gte: Buffer; lt?: Buffer } {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return { gte: prefix }
  const lt = Buffer.from(prefix.subarray(0, length))
  lt[length - 1]!++
  return { gte: prefix, lt }
}
