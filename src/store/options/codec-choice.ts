import type { Codec } from '../../codec/codec.js'
import { codecForWriting } from '../../codec/registry.js'
import { codecForCall } from '../../codec/selector.js'
import { invalidOption } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { beginsWith, KEY_PREFIX_OPTIONS, prefixBytes } from './key-prefix.js'
import { type CodecRule, DEFAULTS, type Settings } from './options.js'

/** Says which codec a value is written with. */
export interface CodecChoice {
  /** Codecs that the options name: the store opens only if all of them load. */
  readonly named: readonly Codec[]
  choose(key: Buffer, value: Buffer): Codec
}

/** @throws CKV_INVALID_OPTION for a name, rule or object that is no codec; LEVEL_NOT_SUPPORTED for an unregistered one */
export function chooseCodecs(option: Settings['codec']): CodecChoice {
  if (!Array.isArray(option)) return choiceOf(option as CodecRule['codec'])
  const choices = byRule(option as readonly CodecRule[], choiceOf)
  return {
    named: choices.all.flatMap(({ made }) => made.named),
    choose: (key, value) => choices.of(key).choose(key, value)
  }
}

function choiceOf(codec: CodecRule['codec']): CodecChoice {
  if (typeof codec === 'function') {
    const { codecs = [] } = codec
    if (!Array.isArray(codecs)) throw invalidOption('The codecs of a selector are a list of codecs and their names')
    return {
      named: codecs.map(codecForWriting),
      choose: (key, value) => codecForCall(codec, key, value)
    }
  }
  const found = codecForWriting(codec)
  return { named: [found], choose: () => found }
}

const RULE_OPTIONS = { ...KEY_PREFIX_OPTIONS, codec: 'any' } as const satisfies OptionTable<CodecRule>

/**
 * Calls `make` with the codec of each rule, and of a last one with the default codec if no rule matches every key.
 *
 * @returns `of`, which gives for a key what was made for the first rule that matches; and `all` that was made, in the order of the rules
 * @throws CKV_INVALID_OPTION
 */
export function byRule<T>(
  rules: readonly CodecRule[],
  make: (codec: CodecRule['codec']) => T
): { readonly all: readonly { readonly prefix: Buffer; readonly made: T }[]; readonly of: (key: Buffer) => T } {
  for (const rule of rules) assertKnownOptions('a rule of codec', rule, RULE_OPTIONS)
  const compiled = rules.map(rule => ({ prefix: prefixBytes(rule), made: make(rule.codec) }))
  // A rule for every key leaves nothing to the default, which then need not load.
  if (!compiled.some(({ prefix }) => prefix.length === 0)) {
    compiled.push({ prefix: prefixBytes({}), made: make(DEFAULTS.codec) })
  }
  return {
    all: compiled,
    of: key => compiled.find(({ prefix }) => beginsWith(key, prefix))!.made
  }
}
