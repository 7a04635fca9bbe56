import { parseArgs } from 'node:util'

const PARTS = ['adaptive', 'blob', 'codec', 'gc', 'memtable', 'small', 'store', 'tensor', 'wal', 'write'] as const
export type Part = (typeof PARTS)[number]

export const HELP = `Measures parts of compressed-kv, each beside what it is compared with, in one run.

  npm run bench -- [adaptive] [blob] [codec] [gc] [memtable] [small] [store] [tensor] [wal] [write] [options]

  adaptive        adaptive() beside always LZ4 and always Zstandard, by kind of data; prints the bars           ~30 seconds
  blob            a file of 256 MiB in and out as a blob, beside a plain copy; prints the bar of its memory      ~1 minute
  codec           throughput and ratio by codec and size, and the 2 MiB entry of a language model's KV cache   ~1 minute
  gc              sweeps: rate, space, and put and get meanwhile; prints the acceptance bars                   ~1 minute
  memtable        the MemTable beside a bare Map, and a put and an iterator in turns; prints the bars          ~30 seconds
  small           small values with a dictionary beside Snappy's blocks: bytes on disk, rates; prints the bars  ~1 minute
  store           puts and gets beside the bare backend, memory, bytes on disk; prints the acceptance bars     ~2 minutes
  tensor          the tensor codec on real (--corpus) and seeded tensors; prints the acceptance bars           ~30 seconds
  wal             the write-ahead log beside the codec alone and bare file calls; prints the acceptance bars   ~4 minutes
  write           puts beside the bare backend: main thread, event loop, rates, reads; prints the bars         ~2 minutes
                  If none is named, all are measured.
  --corpus DIR    use DIR/*.jsonl, DIR/logs/*.log and DIR/llm/kv-layer* instead of JSON from node_modules
  --json FILE     also write every figure to FILE
  --full          blob: a file of 3 GiB, needs 12 GB of disk;
                  wal: cold reads over 2 GiB, 10 million records, deletion of large segments; needs 5 GB of disk;
                  write: 400 MiB without a pause, and puts over a million entries; gc: 10 million overwrites in a log
  --help          this text

A figure that misses its bar is marked BELOW; the exit code is 0 even then. Figures of a shared machine are noisy; quotients are less so.`

interface Arguments {
  readonly parts: readonly Part[]
  readonly corpus: string | undefined
  readonly json: string | undefined
  readonly full: boolean
  readonly help: boolean
}

/** @throws Error with a message for the user */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        corpus: { type: 'string' },
        json: { type: 'string' },
        full: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    const parts = positionals.length === 0 ? PARTS : positionals.map(partNamed)
    return { parts, corpus: values.corpus, json: values.json, full: values.full ?? false, help: values.help ?? false }
  } catch (cause) {
    throw new Error(`${(cause as Error).message}. See: npm run bench -- --help`, { cause })
  }
}

function partNamed(name: string): Part {
  const part = PARTS.find(known => known === name)
  if (part === undefined) throw new Error(`There is no benchmark '${name}': use ${PARTS.join(' or ')}`)
  return part
}
