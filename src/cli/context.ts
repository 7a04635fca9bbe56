import type { Output, Streams } from './output.js'
import { type Bar, bar, NO_BAR } from './progress.js'

/** What every command is given. */
export interface Context {
  readonly streams: Streams
  readonly output: Output
  readonly signal: AbortSignal
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
  readonly wal?: string
}

export async function withBar<T>({ streams }: Context, label: string, use: (bar: Bar) => Promise<T>): Promise<T> {
  const shown = bar(streams, label)
  try {
    return await use(shown)
  } finally {
    shown.stop()
  }
}

/** For a command that prints as it goes: no bar on a terminal, where the lines themselves show how far it is. */
export function withBarBesideLines<T>(context: Context, label: string, use: (bar: Bar) => Promise<T>): Promise<T> {
  return context.streams.stdout.isTTY === true ? use(NO_BAR) : withBar(context, label, use)
}
