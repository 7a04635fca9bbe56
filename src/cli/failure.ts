import { CommanderError } from 'commander'
import { CompressedKvError } from '../index.js'
import { withOriginalPaths } from './database/copied-paths.js'

/** What the command could not do, on one line, with the remedy. Exit code 1. */
export class Failure extends Error {
  /** The code of the error that caused it. */
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

/** Thrown after Ctrl-C if there is something to say about what was done until then. Exit code 130. */
export class Interruption extends Error {
  override readonly name = 'AbortError'
}

/** Arguments that make no sense. Exit code 2. */
export class WrongUsage extends Error {}

export const EXIT = { ok: 0, problem: 1, usage: 2, interrupted: 130 } as const

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof WrongUsage) return EXIT.usage
  return isInterruption(error) ? EXIT.interrupted : EXIT.problem
}

/** Whether the error says that nobody reads the output any more. */
export function isBrokenPipe(error: unknown): boolean {
  return codeOf(error) === 'EPIPE' || codeOf(error) === 'ERR_STREAM_DESTROYED'
}

export function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** What to do about errors of databases, whose own messages do not say. */
const REMEDIES: Readonly<Record<string, string>> = {
  LEVEL_LOCKED: 'close the program that has it open',
  CKV_OUTCOME_UNKNOWN: "look with 'ckv get' whether it was written",
  EACCES: 'check the permissions',
  EISDIR: 'pass a file',
  ENOENT: 'check the path',
  ENOSPC: 'make room on the disk'
}

/** The same for LevelDB's own errors, which only their texts tell apart. */
const LEVELDB_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/No space left on device/, 'make room on the disk'],
  [/Permission denied|Read-only file system/, 'check the permissions'],
  [/Too many open files/, 'allow more of them, as with ulimit -n'],
  [/^Corruption|^IO error/, "restore the database from a backup, or try 'ckv repair' on a copy of it"]
]

function remedyFor(reason: unknown, code: string | undefined, text: string): string | undefined {
  if (code === undefined || reason instanceof Failure) return undefined
  if (REMEDIES[code] !== undefined || reason instanceof CompressedKvError) return REMEDIES[code]
  return LEVELDB_REMEDIES.find(([pattern]) => code.startsWith('LEVEL_') && pattern.test(text))?.[1]
}

/** An error on one line. If it only says that a database is not open, it is replaced by the error that says why. */
export function describe(error: unknown): { readonly code: string | undefined; readonly message: string } {
  const exitCode = exitCodeOf(error)
  if (exitCode === EXIT.usage) return { code: 'USAGE', message: usageText(error as Error) }
  if (exitCode === EXIT.interrupted) return { code: undefined, message: interruptionText(error as Error) }
  let reason = error
  while (codeOf(reason) === 'LEVEL_DATABASE_NOT_OPEN' && (reason as Error).cause instanceof Error) {
    reason = (reason as Error).cause
  }
  const code = codeOf(reason)
  const text = reason instanceof Error ? reason.message : String(reason)
  const remedy = remedyFor(reason, code, text)
  return { code, message: oneLine(withOriginalPaths(remedy === undefined ? text : `${text}: ${remedy}`)) }
}

/** A line for stderr. */
export function errorLine(error: unknown, isJson = false): string {
  const described = describe(error)
  return `${isJson ? JSON.stringify({ error: described }) : `ckv: ${described.message}`}\n`
}

/** The error for something that a command leaves out and goes on without. */
export function leftOut(what: string, error: unknown): Failure {
  const { code, message } = describe(error)
  return new Failure(`left out ${what}: ${message}`, code)
}

function interruptionText(error: Error): string {
  return error instanceof Interruption ? `interrupted: ${error.message}` : 'interrupted'
}

function usageText({ message }: Error): string {
  return oneLine(message.replace(/^error: /, ''))
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
