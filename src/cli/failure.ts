import { CommanderError } from 'commander'

/** What the command could not do, on one line, with the remedy. Exit code 1. */
export class Failure extends Error {}

/** Arguments that make no sense. Exit code 2. */
export class WrongUsage extends Error {}

export const EXIT = { ok: 0, problem: 1, usage: 2, interrupted: 130 } as const

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof WrongUsage) return EXIT.usage
  if (isInterruption(error)) return EXIT.interrupted
  return isBrokenPipe(error) ? EXIT.ok : EXIT.problem
}

/** Whoever read our output has seen enough. */
export function isBrokenPipe(error: unknown): boolean {
  return codeOf(error) === 'EPIPE' || codeOf(error) === 'ERR_STREAM_DESTROYED'
}

function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** What to do about errors of databases, whose own messages do not say. */
const REMEDIES: Readonly<Record<string, string>> = {
  LEVEL_LOCKED: 'close the program that has it open',
  CKV_OUTCOME_UNKNOWN: 'look with `ckv get`',
  EACCES: 'check the permissions',
  ENOSPC: 'make room on the disk'
}

/** An error on one line. That a database is not open is no news; why it is not is. */
export function describe(error: unknown): { readonly code: string | undefined; readonly message: string } {
  if (exitCodeOf(error) === EXIT.usage) return { code: 'USAGE', message: usageText(error as Error) }
  let reason = error
  while (codeOf(reason) === 'LEVEL_DATABASE_NOT_OPEN' && (reason as Error).cause instanceof Error) {
    reason = (reason as Error).cause
  }
  const code = codeOf(reason)
  const text = reason instanceof Error ? reason.message : String(reason)
  const remedy = code === undefined ? undefined : REMEDIES[code]
  return { code, message: oneLine(remedy === undefined ? text : `${text}: ${remedy}`) }
}

function usageText({ message }: Error): string {
  return oneLine(message.replace(/^error: /, ''))
}

export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
