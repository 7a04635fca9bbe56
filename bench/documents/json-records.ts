import type { Document, DocumentSet } from './document.js'
import { readDocument, spread, textFiles } from './node-modules.js'

/** The least and the most bytes of a record as JSON: lines of files with JSON lines often have such sizes. */
const MIN_BYTES = 40
const MAX_BYTES = 1023

/** The most records from one file, so that no single file makes up the whole set. */
const MAX_RECORDS_PER_FILE = 200
const MAX_RECORDS = 10_000
const MAX_DEPTH = 4
const MAX_FILES = 700
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** Small records cut from the JSON files of node_modules: their entries, each as one line of JSON. */
export function jsonRecords(): DocumentSet {
  const files = spread(
    textFiles().filter(({ kind }) => kind === 'json'),
    MAX_FILES,
    MAX_FILE_BYTES
  )
  const documents = files.map(readDocument).flatMap(recordsOf).slice(0, MAX_RECORDS)
  return { name: 'JSON records', kind: 'text', documents }
}

function recordsOf({ key, value }: Document): Document[] {
  const lines: string[] = []
  collect(parsed(value), MAX_DEPTH, lines)
  return lines.map((line, i) => ({ key: `${key}#${String(i).padStart(3, '0')}`, value: Buffer.from(line) }))
}

function collect(node: unknown, depth: number, lines: string[]): void {
  if (typeof node !== 'object' || node === null) return
  for (const [name, child] of Object.entries(node as Record<string, unknown>)) {
    if (lines.length === MAX_RECORDS_PER_FILE) return
    if (typeof child !== 'object' || child === null) continue
    const line = JSON.stringify(Array.isArray(node) ? child : { name, value: child })
    const bytes = Buffer.byteLength(line)
    if (bytes >= MIN_BYTES && bytes <= MAX_BYTES) lines.push(line)
    else if (bytes > MAX_BYTES && depth > 0) collect(child, depth - 1, lines)
  }
}

/** Undefined for what is not JSON: some files have comments, or are tests of parsers. */
function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString()) as unknown
  } catch {
    return undefined
  }
}
