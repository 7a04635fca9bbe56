#!/usr/bin/env node
import { createReadStream, createWriteStream } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { main } from './command-line.js'
import { EXIT } from './failure.js'

const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // The first signal lets a command end properly. The second one ends the process, which still removes copies.
    if (interruption.signal.aborted) process.exit(EXIT.interrupted)
    interruption.abort()
  })
}

const { stderr } = process
const stdin = readable(process.stdin)
const stdout = writable(process.stdout)
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, signal: interruption.signal })
// stdin may still be open, though nobody reads it.
stdin.destroy()

/**
 * A stream of the process's input that fails if that cannot be read. If it is neither a file, a pipe, a socket nor a terminal, but a directory, say,
 * `process.stdin` is a stream that is at its end, without an error.
 */
function readable(stream: Readable): Readable {
  return stream.constructor.name === 'Readable' ? createReadStream('', { fd: 0, autoClose: false }) : stream
}

/**
 * A stream of the process's output that fails if not all is written. If that is a file, `process.stdout` calls the system once for each write, and
 * ignores how much was written: when the disk fills up, the end of the output would be missing without an error. Such a stream is recognised by
 * its class, not by fstat(): after an fstat() of a pipe, Node.js no longer follows links when it looks for packages.
 */
function writable(stream: typeof process.stdout): Writable & { readonly isTTY?: boolean } {
  return stream.constructor.name === 'SyncWriteStream'
    ? createWriteStream('', { fd: stream.fd, autoClose: false })
    : stream
}
