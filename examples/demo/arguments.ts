import { parseArgs } from 'node:util'

export const HELP = `Stores real documents in LevelDB four ways and compares: bytes on disk, writing, reading. Checks every value.

  npm run demo [-- options]

  --corpus DIR     also take DIR/*.jsonl and DIR/logs/*.log (a value a line) and DIR/llm/kv-layer* (a value a file)
  --location DIR   keep the databases in DIR, which must be empty or not exist. Default: a temporary directory, removed at the end
  --help           this text

Without --corpus it takes text, code and JSON files from node_modules. It needs no network and less than half a minute.
Exit code 1 if any value comes back different.`

interface Arguments {
  readonly corpus: string | undefined
  readonly location: string | undefined
  readonly help: boolean
}

/** @throws Error with a message for the user */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { corpus: { type: 'string' }, location: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
    })
    return { corpus: values.corpus, location: values.location, help: values.help ?? false }
  } catch (cause) {
    throw new Error(`${(cause as Error).message}. See: npm run demo -- --help`, { cause })
  }
}
