import type { Codec, CodecName } from '../codec/codec.js'
import { codecForWriting } from '../codec/registry.js'
import { invalidOption } from '../errors.js'
import { type CodecRule, type CodecSelector, DEFAULTS, type Settings } from './options.js'

/** Answers which codec a value is written with. */
export interface CodecChoice {
  /** Codecs that the options name: those must load for the store to open. */
  readonly named: readonly Codec[]
  choose(key: Buffer, value: Buffer): Codec
}

/** @throws CKV_INVALID_OPTION for a name, rule or object that is no codec; LEVEL_NOT_SUPPORTED for an unregistered one */
export function chooseCodecs(option: Settings['codec']): CodecChoice {
  if (typeof option === 'function') return bySelector(option)
  if (Array.isArray(option)) return byRules(option as readonly CodecRule[])
  const codec = codecForWriting(option as Codec | CodecName)
  return { named: [codec], choose: () => codec }
}

/**
 * A codec named for one write.
 *
 * @throws as {@link chooseCodecs}; CKV_CODEC_UNAVAILABLE if it does not load
 */
export function codecForCall(codec: Codec | CodecName): Codec {
  const found = codecForWriting(codec)
  if (!loaded.has(found)) {
    found.load?.()
    loaded.add(found)
  }
  return found
}

const loaded = new WeakSet<Codec>()

function bySelector(select: CodecSelector): CodecChoice {
  return { named: [], choose: (key, value) => codecForCall(select(key, value)) }
}

function byRules(rules: readonly CodecRule[]): CodecChoice {
  const compiled = rules.map(rule => ({ prefix: prefixOf(rule), codec: codecForWriting(rule.codec) }))
  const codecs = compiled.map(rule => rule.codec)
  const otherwise = codecForWriting(DEFAULTS.codec as CodecName)
  return {
    // A rule for every key leaves nothing to the default, which then need not load.
    named: compiled.some(rule => rule.prefix.length === 0) ? codecs : [...codecs, otherwise],
    choose: key => compiled.find(rule => beginsWith(key, rule.prefix))?.codec ?? otherwise
  }
}

function prefixOf({ prefix, sublevel }: CodecRule): Buffer {
  if (prefix !== undefined && sublevel !== undefined)
    throw invalidOption('A codec rule has a prefix or a sublevel, not both')
  if (sublevel !== undefined)
    return Buffer.from(
      [sublevel]
        .flat()
        .map(name => `!${name}!`)
        .join('')
    )
  return typeof prefix === 'string' ? Buffer.from(prefix) : Buffer.from(prefix ?? [])
}

function beginsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && prefix.compare(key, 0, prefix.length) === 0
}
