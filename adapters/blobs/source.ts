import type { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { isUint8Array } from 'node:util/types'
import { invalidOption } from '../errors.js'

/** How many bytes of an array are written before the signal is looked at again. */
const PIECE_BYTES = 512 * 1024

/** What a blob is made of: all its bytes, or a stream of them (a `Readable`, a web `ReadableStream`, a generator). */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>

/** Reads what a blob is made of, once, and stops it if it is not read to its end. */
export class Source {
  readonly #given: BlobSource
  /** Undefined if an array was given. */
  readonly #iterator: AsyncIterator<Uint8Array> | undefined
  #ended = false

  /** @throws CKV_INVALID_OPTION for anything but a {@link BlobSource}, and for a stream that was read already */
  constructor(given: BlobSource) {
    this.#given = given
    if (isUint8Array(given)) return
    if (typeof (given as Partial<AsyncIterable<Uint8Array>> | null)?.[Symbol.asyncIterator] !== 'function') {
      throw invalidOption('A blob is made from a Uint8Array or an AsyncIterable of them, such as a Readable')
    }
    // If this were stored, an empty blob would take the place of the one that is there.
    if (isNodeStream(given) && given.readableEnded) {
      throw invalidOption(
        'The stream was read to its end before, perhaps by a body parser: nothing is left of it to store'
      )
    }
    // A stream may fail before it is read, and an 'error' that nobody listens to ends the process. Reading the stream throws that error.
    if (isNodeStream(given)) given.on('error', () => {})
    this.#iterator = given instanceof ReadableStream ? iteratorOf(given) : given[Symbol.asyncIterator]()
  }

  /**
   * The pieces, once. The source is stopped if they are not read to the end.
   *
   * @throws CKV_INVALID_OPTION for anything but bytes; what the source throws; the signal's reason
   */
  async *pieces(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    if (this.#iterator === undefined) {
      yield* piecesOf(this.#given as Uint8Array, signal)
      return
    }
    try {
      for (;;) {
        const next = await unlessAborted(Promise.resolve(this.#iterator.next()), signal)
        this.#ended = next.done === true
        if (next.done === true) return
        if (!isUint8Array(next.value)) {
          throw invalidOption(`A blob is made of bytes, not of ${typeof next.value}: a Readable must have no encoding`)
        }
        yield next.value
      }
    } finally {
      this.stop()
    }
  }

  /**
   * Stops the source, without waiting: one that never yields would never return either. A stream is destroyed as well, since its iterator does that
   * only after the first piece.
   */
  stop(): void {
    if (this.#ended) return
    this.#ended = true
    if (isNodeStream(this.#given)) this.#given.destroy()
    if (this.#iterator !== undefined) void end(this.#iterator)
  }
}

/** Looks at methods, not at the class: packages such as readable-stream, and through it archiver, have classes of their own. */
function isNodeStream(given: BlobSource): given is Readable {
  const { on, destroy } = given as Partial<Readable>
  return typeof on === 'function' && typeof destroy === 'function'
}

/** Cuts an array into pieces, so that an abort does not have to wait until all of it is written. */
function* piecesOf(bytes: Uint8Array, signal: AbortSignal | undefined): Generator<Uint8Array, void> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    signal?.throwIfAborted()
    yield bytes.subarray(from, from + PIECE_BYTES)
  }
}

/** An iterator that cancels the stream at once when it is stopped: the stream's own would first wait for the next piece. */
function iteratorOf(stream: ReadableStream<Uint8Array>): AsyncIterator<Uint8Array> {
  const reader = stream.getReader()
  return {
    async next() {
      const next = await reader.read()
      if (next.done) reader.releaseLock()
      return next as IteratorResult<Uint8Array>
    },
    async return() {
      await reader.cancel()
      reader.releaseLock()
      return { done: true, value: undefined }
    }
  }
}

/** Never rejects: the caller is told why the source was stopped, and nothing else. An iterator's `return` may throw, or return no promise. */
async function end(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.()
  } catch {}
}

/** The outcome of `promise`, or a rejection with the signal's reason when that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
