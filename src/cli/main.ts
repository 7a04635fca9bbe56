#!/usr/bin/env node
import { main } from './command-line.js'
import { EXIT } from './failure.js'

const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The first one lets a command end properly; the second ends the process, which still removes copies.
    if (interruption.signal.aborted) process.exit(EXIT.interrupted)
    interruption.abort()
  })
}

const { stdin, stdout, stderr } = process
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, signal: interruption.signal })
// stdin may still be open, though nobody reads it.
stdin.destroy()
