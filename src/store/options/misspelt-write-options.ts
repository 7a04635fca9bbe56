import { isCodecName } from '../../codec/registry.js'
import { invalidOption } from '../../errors.js'
import { nearestName } from '../../nearest-name.js'
import type { WriteOptions } from './options.js'

/** For each option of a write, whether a value is of the right type for it. */
const KINDS: { readonly [Name in keyof Required<WriteOptions>]: (value: unknown) => boolean } = {
  codec: value =>
    isCodecName(value) ||
    typeof value === 'function' ||
    typeof (value as { compress?: unknown } | null)?.compress === 'function',
  ttl: value => typeof value === 'number',
  sync: value => typeof value === 'boolean',
  onStored: value => typeof value === 'function'
}

const NAMES = Object.keys(KINDS) as (keyof WriteOptions)[]

/** Names that are known not to be misspelt: ours, those of abstract-level, and other names met so far that resemble none of ours. */
const harmless = new Set<string>([...NAMES, 'type', 'key', 'value', 'keyEncoding', 'valueEncoding', 'sublevel'])
/** How many names are remembered: a program may make up any number of them. */
const MAX_HARMLESS = 1000

/**
 * Refuses an option of a write, or a property of a batch operation, if its name resembles one of ours and its value is of the right type for that
 * one: with a misspelt `ttl` an entry would stay for ever. Others are left alone, since a hook or the backend may know them.
 *
 * @throws CKV_INVALID_OPTION
 */
export function assertNoWriteOptionMisspelt(options: object): void {
  for (const name in options) if (!harmless.has(name)) assertNotMisspelt(name, options)
}

function assertNotMisspelt(name: string, options: object): void {
  const nearest = nearestName(name, NAMES) as keyof WriteOptions | undefined
  if (nearest === undefined) {
    if (harmless.size < MAX_HARMLESS) harmless.add(name)
    return
  }
  if (!KINDS[nearest]((options as Readonly<Record<string, unknown>>)[name])) return
  throw invalidOption(
    `Unknown option '${name}' of a write: did you mean '${nearest}'? There are ${NAMES.join(', ')}, and those of the backend`
  )
}
