import { createHash } from 'node:crypto'
import { type Codec, CODEC_ID } from '../codec/codec.js'
import { codecForWriting } from '../codec/registry.js'
import { Lz4Gc } from '../gc/lz4-gc.js'
import { NoGc } from '../gc/no-gc.js'
import { type Gc, idOf } from '../gc/policy.js'
import { SelectorGc } from '../gc/selector-gc.js'
import { ZstdGc } from '../gc/zstd-gc.js'
import { byRule } from './options/codec-choice.js'
import { type CodecRule, defaultMinSize, type Settings } from './options/options.js'

/** The policy that compresses old values as the store compresses new ones. */
export function defaultGc({ codec, minSize }: Pick<Settings, 'codec' | 'minSize'>, overLevelDb: boolean): Gc {
  const minSizeOf = (chosen: Codec) => minSize ?? defaultMinSize(chosen, overLevelDb)
  const gcFor = (option: CodecRule['codec']) => gcOf(option, minSizeOf)
  if (!Array.isArray(codec)) return gcFor(codec as CodecRule['codec'])
  const policies = byRule(codec as readonly CodecRule[], gcFor)
  const id = idOfRules(policies.all)
  return { ...(id !== undefined && { id }), process: value => policies.of(value.key).process(value) }
}

/** A hash of the rules, since the stored state of a sweep has no room for many rules. undefined if a policy among them has no id. */
function idOfRules(rules: readonly { readonly prefix: Buffer; readonly made: Gc }[]): string | undefined {
  const ids = rules.map(({ prefix, made: { id } }) => id && [prefix.toString('hex'), id])
  return ids.includes(undefined) ? undefined : createHash('sha256').update(JSON.stringify(ids)).digest('hex')
}

function gcOf(option: CodecRule['codec'], minSizeOf: (codec: Codec) => number): Gc {
  if (typeof option === 'function') return new SelectorGc(option, minSizeOf)
  const codec = codecForWriting(option)
  if (codec.id === CODEC_ID.none) return new NoGc()
  if (codec.id === CODEC_ID.lz4) return new Lz4Gc({ minSize: minSizeOf(codec) })
  const { effort } = codec
  if (codec.id !== CODEC_ID.zstd) {
    return new SelectorGc(() => codec, minSizeOf, idOf(`codec ${codec.id} ${effort ?? 0}`, minSizeOf(codec)))
  }
  return new ZstdGc({ level: effort, minSize: minSizeOf(codec) })
}
