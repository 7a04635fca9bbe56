import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDocument, spread, type TextFile, textFiles } from './node-modules.js'

/** A long run of real bytes to cut values from. */
export interface Source {
  readonly name: string
  readonly bytes: Buffer
}

const MAX_FILES = 700
const MAX_BYTES = 8 * 1024 * 1024

/** JSON to cut values from: movies.jsonl of the corpus, or JSON files of node_modules one after the other. */
export function jsonSource(corpus?: string): Source {
  const movies = corpus === undefined ? undefined : join(corpus, 'movies.jsonl')
  if (movies !== undefined && existsSync(movies)) return { name: 'movies.jsonl', bytes: readFileSync(movies) }
  return fromNodeModules('JSON of node_modules', ({ kind }) => kind === 'json')
}

/** Text and code to cut values from: files of node_modules, one after the other. */
export function textSource(): Source {
  return fromNodeModules('text and code of node_modules', ({ kind }) => kind !== 'json')
}

/** Pieces of exactly `size` bytes, spread evenly over the source, at most `maxPieces` and `maxBytes` together. */
export function cut({ bytes }: Source, size: number, maxPieces = Infinity, maxBytes = Infinity): Buffer[] {
  const all = Math.floor(bytes.length / size)
  if (all === 0) throw new Error(`The source has ${bytes.length} bytes: too few for a piece of ${size}`)
  const count = Math.max(1, Math.min(all, maxPieces, Math.floor(maxBytes / size)))
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * all) / count) * size
    return bytes.subarray(start, start + size)
  })
}

function fromNodeModules(name: string, accepts: (file: TextFile) => boolean): Source {
  const files = spread(textFiles().filter(accepts), MAX_FILES, MAX_BYTES)
  return { name, bytes: Buffer.concat(files.map(file => readDocument(file).value)) }
}
