import { isUint8Array } from 'node:util/types'
import { invalidOption } from '../../errors.js'
import type { OptionTable } from '../../known-options.js'
import { shown } from '../../option-checks.js'

/** Some of the keys. With neither `prefix` nor `sublevel` it is all of them. */
export interface KeyPrefix {
  /** Keys that begin with these bytes, or this text as UTF-8. */
  readonly prefix?: string | Uint8Array | undefined
  /** Keys of this sublevel: its name without separators, or the names on the way to it. It must have been made with the default separator. */
  readonly sublevel?: string | readonly string[] | undefined
}

export const KEY_PREFIX_OPTIONS = { prefix: 'any', sublevel: 'any' } as const satisfies OptionTable<KeyPrefix>

/**
 * The bytes that those keys begin with; none for all keys.
 *
 * @throws CKV_INVALID_OPTION for both a prefix and a sublevel, a prefix that is neither text nor bytes, or a sublevel that cannot be
 */
export function prefixBytes({ prefix, sublevel }: KeyPrefix): Buffer {
  if (prefix !== undefined && sublevel !== undefined) throw invalidOption('A rule has a prefix or a sublevel, not both')
  const text = sublevel === undefined ? prefix : sublevelPrefix(sublevel)
  if (text === undefined) return Buffer.alloc(0)
  if (typeof text === 'string') return Buffer.from(text)
  if (isUint8Array(text)) return Buffer.from(text)
  throw invalidOption(`The prefix of a rule is text or bytes, not ${shown(text)}`)
}

/** The names that abstract-level allows for a sublevel with the separator '!'. A rule for another name would never match. */
const SUBLEVEL_NAME = /^[#-~]+$/

function sublevelPrefix(sublevel: string | readonly string[]): string {
  const path: readonly unknown[] = typeof sublevel === 'string' ? [sublevel] : sublevel
  // An empty list of names would make it a rule for every key.
  if (
    !Array.isArray(path) ||
    path.length === 0 ||
    !path.every(name => typeof name === 'string' && SUBLEVEL_NAME.test(name))
  ) {
    throw invalidOption(
      `The sublevel of a rule is its name without separators, or a list of names from the outermost on, not ${shown(sublevel)}`
    )
  }
  return path.map(name => `!${name}!`).join('')
}

export function beginsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && prefix.compare(key, 0, prefix.length) === 0
}
