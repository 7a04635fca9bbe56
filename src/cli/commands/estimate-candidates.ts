import { type Codec, type CodecName, zstd } from '../../index.js'
import { WrongUsage } from '../failure.js'

/** Options of a store that are tried; `codec` is undefined for the bare database. */
export interface Candidate {
  readonly name: string
  readonly codec: Codec | 'none' | 'lz4' | undefined
  /** As in the options; undefined for the default. */
  readonly minSize: number | undefined
  /** Shorter values stay raw. */
  readonly leastCompressed: number
  /** The options as text, to be pasted into a program. */
  readonly options: string
}

/** The default `minSize` of a store over LevelDB. */
const DEFAULT_MIN_SIZE = { zstd: 1024, lz4: 4096 }

export const BARE: Candidate = {
  name: 'bare (Snappy)',
  codec: undefined,
  minSize: undefined,
  leastCompressed: Infinity,
  options: 'no store'
}

/** What is tried if nothing is asked for. */
const TRIED = ['none', 'lz4', 'lz4@1024', 'zstd:1', 'zstd:3', 'zstd:9', 'zstd:3@512', 'zstd:3@256', 'zstd:9@256']

/**
 * The candidates to try. Of the usual ones, those that compress the same values as one before with the same codec are left out, and those that
 * compress none.
 *
 * @param asked each a codec, a level and a minSize, such as 'zstd:9@512'; empty for the usual ones
 * @param lengths of the values
 * @throws WrongUsage
 */
export function candidatesFor(asked: readonly string[], lengths: readonly number[]): Candidate[] {
  const candidates = (asked.length > 0 ? asked : TRIED).map(parseCandidate)
  if (asked.length > 0) return candidates
  const values = (least: number) => lengths.filter(length => length >= least).length
  const known = new Set<string>()
  return candidates.filter(({ name, leastCompressed }) => {
    const compressed = name === 'none' ? 0 : values(leastCompressed)
    const effect = compressed === 0 ? 'none' : `${name.split(' ')[0]} ${compressed}`
    if (known.has(effect)) return false
    known.add(effect)
    return true
  })
}

function parseCandidate(text: string): Candidate {
  const found = /^(none|lz4|zstd)(?::(\d+))?(?:@(\d+))?$/.exec(text)
  if (found === null || (found[2] !== undefined && found[1] !== 'zstd')) {
    throw new WrongUsage(`'${text}' is not CODEC[:LEVEL][@MINSIZE], such as zstd:9@512, lz4@1024 or none`)
  }
  const name = found[1] as CodecName
  const minSize = found[3] === undefined ? undefined : Number(found[3])
  const setting = minSize === undefined ? '' : `, minSize: ${minSize}`
  const suffix = minSize === undefined ? '' : ` minSize ${minSize}`
  if (name === 'none') return { name, codec: name, minSize, leastCompressed: Infinity, options: "{ codec: 'none' }" }
  const leastCompressed = minSize ?? DEFAULT_MIN_SIZE[name]
  if (name === 'lz4') {
    return { name: `lz4${suffix}`, codec: name, minSize, leastCompressed, options: `{ codec: 'lz4'${setting} }` }
  }
  const level = Number(found[2] ?? 3)
  if (level < 1 || level > 22) throw new WrongUsage(`zstd has the levels 1 to 22, not ${level}`)
  const codec = level === 3 ? "'zstd'" : `zstd({ level: ${level} })`
  return {
    name: `zstd:${level}${suffix}`,
    codec: zstd({ level }),
    minSize,
    leastCompressed,
    options: `{ codec: ${codec}${setting} }`
  }
}
