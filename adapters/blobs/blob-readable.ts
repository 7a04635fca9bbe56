import { Readable } from 'node:stream'

/**
 * A stream of chunks that are read one by one, on demand.
 *
 * @param ended called once, when the stream needs nothing more: at its end, when it fails or is destroyed
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
      // The generator ends only after the reads under way, which still need the chunks.
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
