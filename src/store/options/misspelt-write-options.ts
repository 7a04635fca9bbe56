import { isCodecName } from '../../codec/registry.js'
import { invalidOption } from '../../errors.js'
import { nearestName } from '../../nearest-name.js'
import type { WriteOptions } from './options.js'

/** Whether a value is one that an option of a write may have. */
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

/** Names that need no second look: ours, those of abstract-level, and what was met so far and is nearly none of ours. */
const harmless = new Set<string>([...NAMES, 'type', 'key', 'value', 'keyEncoding', 'valueEncoding', 'sublevel'])
/** Names may be made up without end, and each would be remembered. */
const MAX_HARMLESS = 1000

/**
 * Refuses an option of a write, or a property of a batch operation, that is nearly one of ours and has such a value: a `tll` would keep an entry
 * for ever. Others are left alone, since a hook or the backend may know them.
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
