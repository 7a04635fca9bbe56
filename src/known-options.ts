import { isUint8Array } from 'node:util/types'
import { type CompressedKvError, invalidOption } from './errors.js'
import { nearestName } from './nearest-name.js'
import { shown } from './option-checks.js'

/** The type that an option must have, if it is given. 'any' is not checked here, but by the code that uses the option. */
type OptionKind = 'any' | 'boolean' | 'function' | 'meter' | 'signal'

/**
 * A table of the options that exist. `satisfies OptionTable<…>`, beside a type of options, does not compile if the table lacks an option or has one
 * too many. So what is checked at run time is what the types say.
 */
export type OptionTable<Options> = Readonly<Record<keyof Options, OptionKind>>

type Table = Readonly<Record<string, OptionKind>>

/**
 * Refuses an option that does not exist, which otherwise would silently have no effect, and one of the wrong type. An option that is undefined
 * counts as not given.
 *
 * @param owner whose options they are, for the message: a function, as `Wal.open()`, or the option whose value they are
 * @throws CKV_INVALID_OPTION
 */
export function assertKnownOptions(owner: string, options: unknown, table: Table): void {
  assertKinds(owner, options, table)
  for (const name of unknownNames(options, table)) throw unknownOption(owner, name, table)
}

/** Like {@link assertKnownOptions}, for options that hooks or a backend get as well: unknown names are refused only if they resemble known ones. */
export function assertNoneMisspelt(owner: string, options: unknown, table: Table): void {
  assertKinds(owner, options, table)
  for (const name of unknownNames(options, table)) {
    if (nearestName(name, Object.keys(table)) !== undefined) throw unknownOption(owner, name, table)
  }
}

const KIND_NAMES = {
  boolean: 'true or false',
  function: 'a function',
  meter: 'an OpenTelemetry meter, or false',
  signal: 'an AbortSignal'
} as const

/** @throws CKV_INVALID_OPTION if `options` is no object of options, or if an option of the table is of the wrong type */
function assertKinds(owner: string, options: unknown, table: Table): asserts options is object {
  if (isUint8Array(options) && owner.endsWith('()')) {
    throw invalidOption(
      `${owner} takes an object of options, not bytes: where a codec is asked for, write ${owner} and not the function`
    )
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(`${owner} takes an object of options, not ${shown(options)}`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || !Object.hasOwn(table, name)) continue
    const kind = table[name]!
    if (value === null)
      throw invalidOption(`The option '${name}' of ${owner} is null: leave it out if it has a default`)
    if (kind !== 'any' && !isOf(kind, value)) {
      throw invalidOption(`The option '${name}' of ${owner} must be ${KIND_NAMES[kind]}, not ${shown(value)}`)
    }
  }
}

/** The names of options that are given but not in the table. */
function unknownNames(options: object, table: Table): string[] {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return given.map(([name]) => name).filter(name => !Object.hasOwn(table, name))
}

function isOf(kind: keyof typeof KIND_NAMES, value: unknown): boolean {
  if (kind === 'signal') return value instanceof AbortSignal
  if (kind === 'meter')
    return value === false || typeof (value as { createCounter?: unknown }).createCounter === 'function'
  return typeof value === kind
}

function unknownOption(owner: string, name: string, table: Table): CompressedKvError {
  const names = Object.keys(table)
  const nearest = nearestName(name, names)
  const hint = nearest === undefined ? '.' : `: did you mean '${nearest}'?`
  const known = names.length === 0 ? 'It has none' : `There are ${names.join(', ')}`
  return invalidOption(`Unknown option '${name}' of ${owner}${hint} ${known}`)
}
