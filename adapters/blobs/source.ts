import { Readable } from 'node:stream'
import { invalid } from './errors.js'

/** What a blob is made of: all its bytes, or a stream of them (a `Readable`, a web `ReadableStream`, a generator). */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>

/**
 * The pieces of a source, which is stopped if they are not read to the end.
 *
 * @throws CKV_INVALID_OPTION for anything but bytes; what the source throws; the signal's reason
 */
export async function* piecesOf(source: BlobSource, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  if (source instanceof Uint8Array) {
    yield source
    return
  }
  if (typeof (source as Partial<AsyncIterable<Uint8Array>> | null)?.[Symbol.asyncIterator] !== 'function') {
    throw invalid('A blob is made from a Uint8Array or an AsyncIterable of them, such as a Readable')
  }
  const iterator = source[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal)
      ended = next.done === true
      if (next.done === true) return
      if (!(next.value instanceof Uint8Array)) {
        throw invalid(`A blob is made of bytes, not of ${typeof next.value}: a Readable must have no encoding`)
      }
      yield next.value
    }
  } finally {
    if (!ended) stop(source, iterator)
  }
}

/** Not awaited: a source that never yields would never return either. A stream's iterator destroys it only after the first piece. */
function stop(source: object, iterator: AsyncIterator<Uint8Array>): void {
  if (source instanceof Readable) source.destroy()
  iterator.return?.().then(undefined, () => {})
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
