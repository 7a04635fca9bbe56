import type { Readable, Writable } from 'node:stream'
import { CompressedKvError } from '../index.js'

/** What a command reads from and writes to: the streams of the process, or of a test. */
export interface Streams {
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  /** Aborted by Ctrl-C. */
  readonly signal?: AbortSignal | undefined
}

/** How many characters of lines are collected before they are written together. */
const PIECE_CHARACTERS = 64 * 1024

/** Writes to a stream no faster than it is read. */
export class Output {
  readonly #stream: Writable
  #waiting: string[] = []
  #waitingCharacters = 0

  constructor(stream: Writable) {
    this.#stream = stream
    // The write that fails reports that the reader has gone; without a listener the error would end the process.
    if (stream.listenerCount('error') === 0) stream.on('error', () => {})
  }

  /** Adds text that is written with the next line, or by {@link flush}. */
  text(text: string): void {
    this.#waiting.push(text)
    this.#waitingCharacters += text.length
  }

  /** @throws EPIPE when nobody reads any more */
  async line(text: string): Promise<void> {
    this.text(text)
    this.text('\n')
    if (this.#waitingCharacters >= PIECE_CHARACTERS) await this.flush()
  }

  /** Adds a whole result, which only {@link flush} writes: the command's exit code is known before, and is the same if nobody reads the result. */
  lines(texts: readonly string[]): void {
    for (const text of texts) this.text(`${text}\n`)
  }

  /** Adds a whole result as JSON; see {@link lines}. */
  json(value: unknown): void {
    this.lines([JSON.stringify(value, forJson, 2)])
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    await this.flush()
    await this.#write(bytes)
  }

  /** Resolves when the stream has taken everything. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#waitingCharacters = 0
    await this.#write(text)
  }

  #write(chunk: string | Uint8Array): Promise<void> {
    const stream = this.#stream
    return new Promise((resolve, reject) => {
      // A stream that is destroyed never calls back for the write under way.
      const gone = () => reject(Object.assign(new Error('The output was closed'), { code: 'EPIPE' }))
      stream.once('close', gone)
      stream.write(chunk, error => {
        stream.off('close', gone)
        if (error) reject(error)
        else resolve()
      })
    })
  }
}

/** JSON has no errors: their codes and messages are written. */
function forJson(_name: string, value: unknown): unknown {
  if (value instanceof CompressedKvError) return { code: value.code, message: value.message }
  if (value instanceof Error) return { message: value.message }
  return value
}
