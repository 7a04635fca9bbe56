import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addEntryCommands, addLookingCommands, addRepairCommand, addRewritingCommands } from './commands.js'
import type { Context } from './context.js'
import { describe, errorLine, EXIT, exitCodeOf, isBrokenPipe, WrongUsage } from './failure.js'
import { Output, type Streams } from './output.js'

/** The version of this package. Its package.json is one folder further up from the compiled file than from the source. */
function version(): string {
  const require = createRequire(import.meta.url)
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version: found } = require(path) as { name?: string; version: string }
      if (name === 'compressed-kv') return found
    } catch {
      // Then it is the other one.
    }
  }
  return 'unknown'
}

const AFTER_HELP = `
LOCATION is the directory of a classic-level (LevelDB) database.
stats, estimate, verify, wal, get, ls and export look at a copy and leave the database as it is, to the byte.
Exit codes: 0 done, 1 failed or a problem was found, 2 wrong usage, 130 interrupted.`

/**
 * The command `ckv`.
 *
 * @param argv without node and the name of the program
 * @returns the exit code
 */
export async function main(argv: readonly string[], streams: Streams): Promise<number> {
  const output = new Output(streams.stdout)
  const signal = streams.signal ?? new AbortController().signal
  const context: Context = { streams, output, signal }
  const isJson = argv.includes('--json')
  // A command goes on even if nobody reads its errors. Without a listener, a failed write would end the process in the middle of it.
  if (streams.stderr.listenerCount('error') === 0) streams.stderr.on('error', () => {})
  let exitCode: number = EXIT.ok
  const program = new Command('ckv')
    .description('Looks into, measures and repacks databases of compressed-kv.')
    .version(version())
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .showHelpAfterError("See 'ckv --help'.")
    .configureOutput({
      writeOut: text => output.text(text),
      // With --json an error is written once, at the end.
      writeErr: text => void (isJson || streams.stderr.write(text.replace(/^error: /, 'ckv: ')))
    })
    .addHelpText('after', AFTER_HELP)
  const finish = (code: number) => {
    exitCode = code
  }
  addLookingCommands(program, context, finish)
  addRewritingCommands(program, context, finish)
  addRepairCommand(program, context, finish)
  addEntryCommands(program, context, finish)
  // Ends a command's wait for input. If it reads no input, only a listener keeps the error from ending the process.
  const stopReading = () => streams.stdin.on('error', () => {}).destroy(new DOMException('Interrupted', 'AbortError'))
  signal.addEventListener('abort', stopReading)
  try {
    await program.parseAsync([...argv], { from: 'user' }).catch(unlessDone)
    await output.flush()
    return exitCode
  } catch (error) {
    if (isBrokenPipe(error)) return exitCode // Whoever reads the output has seen enough. The exit code is that of what the command found.
    return await failed(error, argv, streams, output)
  } finally {
    signal.removeEventListener('abort', stopReading)
  }
}

/** Commander throws even if it has only shown help or the version, which is no failure. */
function unlessDone(error: unknown): void {
  if (!(error instanceof CommanderError) || exitCodeOf(error) !== EXIT.ok) throw error
}

async function failed(error: unknown, argv: readonly string[], { stderr }: Streams, output: Output): Promise<number> {
  const exitCode = exitCodeOf(error)
  await output.flush().catch(() => {})
  if (argv.includes('--json')) stderr.write(errorLine(error, true))
  // Commander has written its own errors.
  else if (!(error instanceof CommanderError)) stderr.write(`ckv: ${describe(error).message}${seeHelp(error, argv)}\n`)
  return exitCode
}

function seeHelp(error: unknown, [command]: readonly string[]): string {
  return error instanceof WrongUsage ? `. See 'ckv ${command} --help'` : ''
}
