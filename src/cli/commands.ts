import { type Command, Option } from 'commander'
import { estimate } from './commands/estimate.js'
import { exportEntries } from './commands/export.js'
import { gc } from './commands/gc.js'
import { importEntries } from './commands/import.js'
import { del, get, list, put } from './commands/single-entries.js'
import { stats } from './commands/stats.js'
import { unwrapDatabase } from './commands/unwrap.js'
import { verify } from './commands/verify.js'
import { wal } from './commands/wal.js'
import type { Context } from './context.js'
import { byteCount, timeToLive, whole, zstdLevel } from './numbers.js'
import { TEXT_ENCODINGS } from './text.js'

type Finish = (exitCode: number) => void

const CODECS = ['lz4', 'zstd', 'none']
const LOCATION = 'directory of the database'
const SAMPLE_BYTES = '8M'

/** Commands that write nothing. */
export function addLookingCommands(program: Command, context: Context, finish: Finish): void {
  command(program, 'stats', 'what a database holds: sizes, ratios by codec and key prefix, its log')
    .argument('<location>', LOCATION)
    .action(async (location, options) => finish(await stats(context, location, options)))
  command(program, 'estimate', 'measures on a sample what codecs and levels would make of a database')
    .argument('<location>', LOCATION)
    .addOption(sampleOption())
    .option('--try <settings...>', 'only these, CODEC[:LEVEL][@MINSIZE] each, such as zstd:9@512 lz4 none')
    .action(async (location, options) => finish(await estimate(context, location, options)))
  command(program, 'verify', 'decodes every value and the log, and lists by key what is corrupt')
    .argument('<location>', LOCATION)
    .action(async (location, options) => finish(await verify(context, location, options)))
  command(program, 'wal', 'the segments, frames and positions of a write-ahead log')
    .argument('<location>', 'directory of the database, or of a log alone')
    .option('--salvage <out>', "write the records that can be read to a new file, as lines for 'ckv import'")
    .action(async (location, options) => finish(await wal(context, location, options)))
}

/** Commands that may rewrite every value. */
export function addRewritingCommands(program: Command, context: Context, finish: Finish): void {
  command(program, 'gc', 'sweeps a database: recompresses values, removes what has expired, compacts')
    .argument('<location>', LOCATION)
    .addOption(
      new Option('--policy <policy>', 'what values are recompressed with; none leaves them as they are')
        .choices(CODECS)
        .default('zstd')
    )
    .option('--level <n>', 'of zstd, 1 to 22 (default: 3)', zstdLevel)
    .option('--bytes-per-second <n>', 'of stored values to sweep at most, such as 20M', byteCount)
    .option('--force', 'begin at the first key, and try again what was tried before')
    .option('--wrap', 'wrap a database that never was')
    .action(async (location, options) => finish(await gc(context, location, options)))
  command(program, 'unwrap', 'the way out: turns it back into a bare LevelDB database, and compacts it')
    .argument('<location>', LOCATION)
    .action(async (location, options) => finish(await unwrapDatabase(context, location, options)))
}

export function addEntryCommands(program: Command, context: Context, finish: Finish): void {
  encoded(command(program, 'get', 'prints the value of a key'))
    .argument('<location>', LOCATION)
    .argument('<key>')
    .option('--raw', 'the bytes of the value and nothing else, no newline')
    .action(async (location, key, options) => finish(await get(context, location, key, options)))
  writing(encoded(command(program, 'put', 'stores a value; makes the database if it is not there')))
    .argument('<location>', LOCATION)
    .argument('<key>')
    .argument('<value>', "'-' to read it from stdin")
    .option('--ttl <ms>', 'time to live', timeToLive)
    .action(async (location, key, value, options) => finish(await put(context, location, key, value, options)))
  encoded(command(program, 'del', 'deletes a key'))
    .argument('<location>', LOCATION)
    .argument('<key>')
    .option('--wrap', 'wrap a database that never was')
    .action(async (location, key, options) => finish(await del(context, location, key, options)))
  encoded(command(program, 'ls', 'lists keys, one a line'))
    .argument('<location>', LOCATION)
    .option('--prefix <prefix>', 'only keys that begin with it')
    .option('--limit <n>', 'at most this many', whole)
    .action(async (location, options) => finish(await list(context, location, options)))
  command(program, 'export', 'prints every entry as a line of JSON: {"key":"…","value":"…"}')
    .argument('<location>', LOCATION)
    .option('--prefix <prefix>', 'only keys that begin with it')
    .action(async (location, options) => finish(await exportEntries(context, location, options)))
  writing(command(program, 'import', 'stores entries read from stdin, lines as export prints them; makes the database'))
    .argument('<location>', LOCATION)
    .option('--min-size <bytes>', 'shorter values are stored raw', whole)
    .action(async (location, options) => finish(await importEntries(context, location, options)))
}

function command(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError(`See 'ckv ${name} --help'.`)
    .option('--json', 'the result as JSON, errors too')
    .option('--wal <directory>', 'of the log, if it is not in the database (ckv-wal)')
}

function sampleOption(): Option {
  const option = new Option('--sample <bytes>', 'of keys and values to try at most')
  return option.argParser(byteCount).default(byteCount(SAMPLE_BYTES), SAMPLE_BYTES)
}

function encoded(to: Command): Command {
  const option = new Option('--encoding <encoding>', 'of keys and values, given and printed')
  return to.addOption(option.choices([...TEXT_ENCODINGS]).default('utf8'))
}

function writing(to: Command): Command {
  return to
    .addOption(new Option('--codec <codec>', 'how values are compressed').choices(CODECS).default('zstd'))
    .option('--wrap', 'wrap a database that never was')
}
