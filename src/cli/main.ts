#!/usr/bin/env node
import { createReadStream, createWriteStream } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
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

const { stderr } = process
const stdin = read(process.stdin)
const stdout = written(process.stdout)
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, signal: interruption.signal })
// stdin may still be open, though nobody reads it.
stdin.destroy()

/** For what is none of file, pipe, socket and terminal, such as a directory, `process.stdin` is a stream that is at its end, without an error. */
function read(stream: Readable): Readable {
  return stream.constructor.name === 'Readable' ? createReadStream('', { fd: 0, autoClose: false }) : stream
}

/**
 * Where it is a file, `process.stdout` calls the system once for each write, and takes no notice of how much was written: where a disk fills up,
 * the end of the output would be missing without an error. Such a stream is recognised by its class, not by fstat(): after one of a pipe Node.js no
 * longer follows links when it looks for packages.
 */
function written(stream: typeof process.stdout): Writable & { readonly isTTY?: boolean } {
  return stream.constructor.name === 'SyncWriteStream'
    ? createWriteStream('', { fd: stream.fd, autoClose: false })
    : stream
}
