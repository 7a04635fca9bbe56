import { InvalidArgumentError } from 'commander'
import { MAX_EXPIRES_AT } from './expiry.js'

/** A time to live, in ms from now on. */
export function timeToLive(text: string): number {
  const ms = Number(text)
  if (text.trim() !== '' && ms > 0 && Date.now() + ms <= MAX_EXPIRES_AT) return ms
  throw new InvalidArgumentError('It must be a number of ms above 0, at most until the year 10889.')
}

export function whole(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= 0) return number
  throw new InvalidArgumentError('It must be a whole number, 0 or more.')
}

export function zstdLevel(text: string): number {
  const level = Number(text)
  if (/^\d+$/.test(text) && level >= 1 && level <= 22) return level
  throw new InvalidArgumentError('It must be a whole number, 1 to 22.')
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** A number of bytes: 4096, 512k, 8M, 1G. */
export function byteCount(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim())
  const number = found === null ? 0 : Math.floor(Number(found[1]) * UNITS[found[2]!.toLowerCase()]!)
  if (number > 0) return number
  throw new InvalidArgumentError('It must be a number of bytes, such as 4096, 512k or 8M.')
}
