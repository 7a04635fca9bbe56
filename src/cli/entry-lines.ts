import { isUtf8 } from 'node:buffer'
import { MAX_EXPIRES_AT } from './expiry.js'
import { Failure } from './failure.js'
import { MAX_LINE_CHARACTERS } from './input-lines.js'

/** Bytes in JSON, which has no type for them: text if they are UTF-8, else base64. */
type JsonBytes = string | { readonly base64: string }

/** A line that `ckv export`, `ckv get --json` and `ckv wal --salvage` write, and `ckv import` reads. */
export interface EntryLine {
  readonly key: JsonBytes
  readonly value?: JsonBytes
  /** ms since 1970 */
  readonly expiresAt?: number
  /** In lines of a log: what the record does; left out for a put. 'clear' deletes keys from `key` on, up to below `end` if there is one. */
  readonly kind?: 'delete' | 'clear'
  readonly end?: JsonBytes
  /** In lines of a log: the record's number. */
  readonly sequence?: number
}

/** What a line means. */
export type Entry =
  | { readonly kind: 'put'; readonly key: Buffer; readonly value: Buffer; readonly expiresAt: number | undefined }
  | { readonly kind: 'delete'; readonly key: Buffer }
  | { readonly kind: 'clear'; readonly key: Buffer; readonly end: Buffer | undefined }

export function jsonBytes(bytes: Buffer): JsonBytes {
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') }
}

export function putLine(key: Buffer, value: Buffer, expiresAt: number | undefined): EntryLine {
  return { key: jsonBytes(key), value: jsonBytes(value), ...(expiresAt === undefined ? {} : { expiresAt }) }
}

/** @throws Failure for an entry whose line would be longer than `ckv import` reads */
export function lineText(line: EntryLine): string {
  const { key, value = '' } = line
  const least = charactersOf(key) + charactersOf(value) // Escapes can only make it longer.
  const text = least > MAX_LINE_CHARACTERS ? undefined : asText(line)
  if (text !== undefined && text.length <= MAX_LINE_CHARACTERS) return text
  throw new Failure("its line would be longer than 'ckv import' reads: use 'ckv get --raw'")
}

function charactersOf(bytes: JsonBytes): number {
  return typeof bytes === 'string' ? bytes.length : bytes.base64.length
}

/** Undefined if the line would be longer than a string can be, 512 Mi characters: a zero byte takes six of them. */
function asText(line: EntryLine): string | undefined {
  try {
    return JSON.stringify(line)
  } catch {
    return undefined
  }
}

/** @throws Failure that says what is wrong, without the number of the line */
export function parseEntry(line: string): Entry {
  const { key, value, expiresAt, kind, end } = parseObject(line)
  const keyBytes = bytesOf('key', key)
  if (kind === 'delete') return { kind, key: keyBytes }
  if (kind === 'clear') return { kind, key: keyBytes, end: end === undefined ? undefined : bytesOf('end', end) }
  if (kind !== undefined && kind !== 'put') throw new Failure('"kind" must be "put", "delete" or "clear"')
  if (expiresAt !== undefined && !isTime(expiresAt))
    throw new Failure('"expiresAt" must be a number of ms since 1970, at most until the year 10889')
  return { kind: 'put', key: keyBytes, value: bytesOf('value', value), expiresAt }
}

function isTime(ms: unknown): ms is number {
  return typeof ms === 'number' && ms <= MAX_EXPIRES_AT
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    throw new Failure("not JSON: pass lines as 'ckv export' prints them")
  }
  if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>
  throw new Failure('not an object with "key" and "value"')
}

function bytesOf(name: string, given: unknown): Buffer {
  // Half of a surrogate pair has no bytes in UTF-8: it would silently become another character.
  if (typeof given === 'string' && !/\p{Surrogate}/u.test(given)) return Buffer.from(given)
  const base64 = (given as { base64?: unknown } | null | undefined)?.base64
  if (typeof base64 === 'string') {
    const bytes = Buffer.from(base64, 'base64')
    if (bytes.toString('base64') === base64) return bytes
  }
  throw new Failure(`"${name}" must be text or {"base64": "..."}`)
}
