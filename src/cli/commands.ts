import { type Command, Option } from 'commander'
import { estimate } from './commands/estimate.js'
import { exportEntries } from './commands/export.js'
import { gc } from './commands/gc.js'
import { importEntries } from './commands/import.js'
import { repairDatabase } from './commands/repair.js'
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
  command(program, 'stats', 'shows what a database holds: sizes, ratios by codec and key prefix, its log')
    .argument('<location>', LOCATION)
    .action(async (location, options) => finish(await stats(context, location, options)))
  command(program, 'estimate', 'measures on a sample how small a database would be with other codecs and levels')
    .argument('<location>', LOCATION)
    .addOption(sampleOption())
    .option('--try <settings...>', 'try only these, each CODEC[:LEVEL][@MINSIZE], such as zstd:9@512 lz4 none')
    .action(async (location, options) => finish(await estimate(context, location, options)))
  command(program, 'verify', 'decodes every value and the log, and lists the keys of corrupt values')
    .argument('<location>', LOCATION)
    .action(async (location, options) => finish(await verify(context, location, options)))
  command(program, 'wal', 'shows the segments, frames and positions of a write-ahead log')
    .argument('<location>', 'directory of the database, or of a log alone')
    .option('--salvage <out>', "write the records that can be read to a new file, as lines for 'ckv import'")
    .action(async (location, options) => finish(await wal(context, location, options)))
}

/** Commands that may rewrite every value. */
export function addRewritingCommands(program: Command, context: Context, finish: Finish): void {
  command(program, 'gc', 'sweeps a database: recompresses values, removes what has expired, compacts')
    .argument('<location>', LOCATION)
    .addOption(
      new Option('--policy <policy>', 'the codec to recompress values with; none leaves them as they are')
        .choices(CODECS)
        .default('zstd')
    )
    .option('--level <n>', 'the level of zstd, 1 to 22 (default: 3)', zstdLevel)
    .option('--bytes-per-second <n>', 'the most bytes of stored values to sweep in a second, such as 20M', byteCount)
    .option('--force', 'begin at the first key, and try again values that were tried before')
    .addOption(wrapOption())
    .action(async (location, options) => finish(await gc(context, location, options)))
  command(program, 'unwrap', 'the way out: turns a database back into a bare LevelDB database, and compacts it')
    .argument('<location>', LOCATION)
    .action(async (location, options) => finish(await unwrapDatabase(context, location, options)))
}

/** The command for a database that does not open. */
export function addRepairCommand(program: Command, context: Context, finish: Finish): void {
  command(program, 'repair', 'repairs a damaged LevelDB, and the marker of the store in it if that is lost')
    .argument('<location>', LOCATION)
    .option('--no-wal', 'the store has no log, or was last used without it')
    .action(async (location, options) => finish(await repairDatabase(context, location, options)))
}

export function addEntryCommands(program: Command, context: Context, finish: Finish): void {
  encoded(command(program, 'get', 'prints the value of a key'))
    .argument('<location>', LOCATION)
    .argument('<key>')
    .option('--raw', 'print the bytes of the value and nothing else, no newline')
    .action(async (location, key, options) => finish(await get(context, location, key, options)))
  writing(encoded(command(program, 'put', 'stores a value under a key; makes the database if it is not there')))
    .argument('<location>', LOCATION)
    .argument('<key>')
    .argument('<value>', "'-' to read it from stdin")
    .option('--ttl <ms>', 'time to live, in milliseconds', timeToLive)
    .action(async (location, key, value, options) => finish(await put(context, location, key, value, options)))
  encoded(command(program, 'del', 'deletes a key'))
    .argument('<location>', LOCATION)
    .argument('<key>')
    .addOption(wrapOption())
    .action(async (location, key, options) => finish(await del(context, location, key, options)))
  encoded(command(program, 'ls', 'lists keys, one on each line'))
    .argument('<location>', LOCATION)
    .addOption(prefixOption())
    .option('--limit <n>', 'list at most this many keys', whole)
    .action(async (location, options) => finish(await list(context, location, options)))
  command(program, 'export', 'prints every entry as a line of JSON: {"key":"…","value":"…"}')
    .argument('<location>', LOCATION)
    .addOption(prefixOption())
    .action(async (location, options) => finish(await exportEntries(context, location, options)))
  writing(
    command(
      program,
      'import',
      "stores entries from stdin, as 'ckv export' prints them; makes the database if it is not there"
    )
  )
    .argument('<location>', LOCATION)
    .option('--min-size <bytes>', 'store values that are shorter than this raw', whole)
    .action(async (location, options) => finish(await importEntries(context, location, options)))
}

function command(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError(`See 'ckv ${name} --help'.`)
    .option('--json', 'print the result as JSON, and errors as well')
    .option('--wal <directory>', 'the directory of the log, if it is not ckv-wal in that of the database')
}

function wrapOption(): Option {
  return new Option('--wrap', 'wrap the database if it never was; otherwise the command refuses it')
}

function prefixOption(): Option {
  return new Option('--prefix <prefix>', 'only keys that begin with this')
}

function sampleOption(): Option {
  const option = new Option('--sample <bytes>', 'the most bytes of keys and values to try')
  return option.argParser(byteCount).default(byteCount(SAMPLE_BYTES), SAMPLE_BYTES)
}

function encoded(to: Command): Command {
  const option = new Option('--encoding <encoding>', 'how keys and values are written, in arguments and in the output')
  return to.addOption(option.choices([...TEXT_ENCODINGS]).default('utf8'))
}

function writing(to: Command): Command {
  return to
    .addOption(new Option('--codec <codec>', 'the codec to compress values with').choices(CODECS).default('zstd'))
    .addOption(wrapOption())
}
