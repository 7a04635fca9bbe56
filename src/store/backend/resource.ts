import type { AbstractResource } from 'abstract-level'

/** What a database closes before itself. */
export function resource(close: () => Promise<void>): AbstractResource {
  return { close, [Symbol.asyncDispose]: close }
}
