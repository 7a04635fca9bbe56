import { Readable } from 'node:stream'

/**
 * A stream of chunks, which are read one by one, on demand.
 *
 * @param ended called once, when the stream needs no more chunks: at its end, or when it fails or is destroyed
 */
export function blobReadable(
  chunks: AsyncGenerator<Buffer, void>,
  ended: () => void,
  signal: AbortSignal | undefined
): Readable {
  return new Readable({
    read() {
      chunks.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: Error) => this.destroy(error)
      )
    },
    destroy(error, done) {
      // return() resolves only after the reads under way, which still need the chunks.
      chunks
        .return()
        .catch(() => {})
        .finally(() => {
          ended()
          done(error)
        })
    },
    ...(signal === undefined ? {} : { signal })
  })
}
