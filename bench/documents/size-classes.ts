import type { DocumentSet } from './document.js'
import { readDocument, spread, type TextFile, textFiles } from './node-modules.js'

const KIB = 1024

/** Each class goes from its number of bytes to below that of the next one. */
const SIZE_CLASSES = [
  { name: 'files < 1 KiB', from: 0 },
  { name: 'files 1-4 KiB', from: KIB },
  { name: 'files 4-16 KiB', from: 4 * KIB },
  { name: 'files 16-64 KiB', from: 16 * KIB },
  { name: 'files > 64 KiB', from: 64 * KIB }
] as const

/** The most files, and bytes, of one class, so that a run stays short whatever is installed. */
const MAX_FILES = 2000
const MAX_BYTES = 4 * KIB * KIB

/** Files of node_modules, in a set for each size class. A class without files has no set. */
export function filesBySize(accepts: (file: TextFile) => boolean = () => true): DocumentSet[] {
  const files = textFiles().filter(accepts)
  return SIZE_CLASSES.flatMap(({ name, from }, i) => {
    const below = SIZE_CLASSES[i + 1]?.from ?? Infinity
    const chosen = spread(
      files.filter(({ bytes }) => bytes >= from && bytes < below),
      MAX_FILES,
      MAX_BYTES
    )
    return chosen.length === 0 ? [] : [{ name, kind: 'text', documents: chosen.map(readDocument) }]
  })
}

/** Text and code files of 4 KiB and more: with these a codec should be good even though it sees only one value at a time. */
export function largerTextAndCode(): DocumentSet {
  const sets = filesBySize(({ kind, bytes }) => kind !== 'json' && bytes >= 4 * KIB)
  return { name: 'text and code >= 4 KiB', kind: 'text', documents: sets.flatMap(({ documents }) => documents) }
}
