import type { Codec } from './codec.js'

const made = new WeakSet<Codec>()

/** Marks a codec as this library's own: only such codecs may have ids below 128. */
export function builtIn(codec: Codec): Codec {
  made.add(codec)
  return codec
}

export function isBuiltIn(codec: Codec): boolean {
  return made.has(codec)
}
