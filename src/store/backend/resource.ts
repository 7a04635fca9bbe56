import type { AbstractResource } from 'abstract-level'

/** A resource to attach to a database, which closes it before itself. */
export function resource(close: () => Promise<void>): AbstractResource {
  return { close, [Symbol.asyncDispose]: close }
}
