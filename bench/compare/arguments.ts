import { parseArgs } from 'node:util'
import { contendersNamed } from './contenders/all.js'
import type { Contender } from './contenders/contender.js'
import type { Effort } from './settings.js'

export const HELP = `Runs the same workload on bare databases, rivals and this store, each in a process of its own.

  npm run bench:compare -- [options]

  --sizes A,B        bytes of a value                                             100,1024,10240,2097152
  --contenders A,B   of those that the table of durability lists; bare classic-level is always there   all
  --part NAME        only this part: comparison or acceptance                     both
  --quick            one short round; only 1 KiB and 2 MiB, unless --sizes is given             ~2 minutes
  --full             400 MiB sustained, a million entries, more rounds            ~30 minutes
                     neither of them                                              ~10 minutes
  --corpus DIR       use DIR/movies.jsonl instead of JSON from node_modules
  --json FILE        also write every figure to FILE
  --html FILE        also write a page with plots to FILE
  --help             this text

A figure that misses its bar is marked BELOW; the exit code is 0 even then. Figures of a shared machine are noisy; quotients are less so.`

type Part = 'comparison' | 'acceptance'

export interface Arguments {
  readonly sizes: readonly number[]
  readonly contenders: readonly Contender[]
  readonly parts: readonly Part[]
  readonly effort: Effort
  readonly corpus: string | undefined
  readonly json: string | undefined
  readonly html: string | undefined
  readonly help: boolean
}

const SIZES = [100, 1024, 10 * 1024, 2 * 1024 * 1024] as const
const QUICK_SIZES = [1024, 2 * 1024 * 1024] as const
const MAX_SIZE = 2 * 1024 * 1024
const PARTS = ['comparison', 'acceptance'] as const

/** @throws Error with a message for the user */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        sizes: { type: 'string' },
        contenders: { type: 'string' },
        part: { type: 'string' },
        quick: { type: 'boolean' },
        full: { type: 'boolean' },
        corpus: { type: 'string' },
        json: { type: 'string' },
        html: { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    if (values.quick && values.full) throw new Error('--quick and --full exclude each other')
    return {
      sizes: values.sizes === undefined ? (values.quick ? QUICK_SIZES : SIZES) : values.sizes.split(',').map(sizeOf),
      contenders: contendersNamed(values.contenders?.split(',')),
      parts: values.part === undefined ? PARTS : [partNamed(values.part)],
      effort: values.quick ? 'quick' : values.full ? 'full' : 'default',
      corpus: values.corpus,
      json: values.json,
      html: values.html,
      help: values.help ?? false
    }
  } catch (cause) {
    throw new Error(`${(cause as Error).message}. See: npm run bench:compare -- --help`, { cause })
  }
}

function sizeOf(text: string): number {
  const size = Number(text)
  if (Number.isInteger(size) && size >= 1 && size <= MAX_SIZE) return size
  throw new Error(`--sizes: '${text}' must be a number of bytes from 1 to ${MAX_SIZE}`)
}

function partNamed(name: string): Part {
  const part = PARTS.find(known => known === name)
  if (part === undefined) throw new Error(`--part: there is no '${name}', use ${PARTS.join(' or ')}`)
  return part
}
