import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import type { Document } from './document.js'
import { PACKAGE_ROOT } from './package-root.js'

/** A file that is text of some kind; not read yet. */
export interface TextFile {
  /** Path below node_modules, with forward slashes. */
  readonly path: string
  readonly bytes: number
  readonly kind: 'code' | 'text' | 'json'
}

const KINDS: Readonly<Record<string, TextFile['kind']>> = {
  '.js': 'code',
  '.cjs': 'code',
  '.mjs': 'code',
  '.ts': 'code',
  '.cts': 'code',
  '.mts': 'code',
  '.md': 'text',
  '.markdown': 'text',
  '.txt': 'text',
  '.json': 'json'
}

/** Larger ones are bundles of whole programs. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

const NODE_MODULES = join(PACKAGE_ROOT, 'node_modules')
let listed: readonly TextFile[] | undefined

/** Every text, code and JSON file of the installed packages, sorted by path. Caches of tools are left out: they change. */
export function textFiles(): readonly TextFile[] {
  listed ??= readdirSync(NODE_MODULES, { recursive: true, withFileTypes: true })
    .flatMap(entry => textFile(entry))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  return listed
}

/** Files spread evenly over a list, at most so many and so many bytes together. */
export function spread(files: readonly TextFile[], maxFiles: number, maxBytes: number): TextFile[] {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const count = Math.floor(files.length / Math.max(1, files.length / maxFiles, bytes / maxBytes))
  const chosen: TextFile[] = []
  let chosenBytes = 0
  for (let i = 0; i < count; i++) {
    const file = files[Math.floor((i * files.length) / count)]!
    if (chosenBytes + file.bytes > maxBytes) continue
    chosen.push(file)
    chosenBytes += file.bytes
  }
  return chosen
}

export function readDocument({ path }: TextFile): Document {
  return { key: path, value: readFileSync(join(NODE_MODULES, path)) }
}

function textFile(entry: Dirent): TextFile[] {
  const kind = KINDS[extname(entry.name)]
  if (kind === undefined || !entry.isFile()) return []
  const file = join(entry.parentPath, entry.name)
  const path = relative(NODE_MODULES, file).split(sep).join('/')
  const bytes = path.startsWith('.') ? 0 : statSync(file).size
  return bytes === 0 || bytes > MAX_FILE_BYTES ? [] : [{ path, bytes, kind }]
}
