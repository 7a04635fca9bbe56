import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import type { Document } from './document.js'
import { PACKAGE_ROOT } from './package-root.js'

/** A file of an installed package; not read yet. */
export interface PackageFile<Kind extends string = string> {
  /** Path below node_modules, with forward slashes. */
  readonly path: string
  readonly bytes: number
  readonly kind: Kind
}

export type TextFile = PackageFile<'code' | 'text' | 'json'>

type KindByExtension<Kind> = Readonly<Record<string, Kind>>

const TEXT_KINDS: KindByExtension<TextFile['kind']> = {
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

const BINARY_KINDS: KindByExtension<'image' | 'program'> = {
  '.png': 'image',
  '.jpg': 'image',
  '.gif': 'image',
  '.woff': 'image',
  '.woff2': 'image',
  '.node': 'program',
  '.wasm': 'program'
}

/** The largest file that is taken: larger ones are bundles of whole programs. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

const NODE_MODULES = join(PACKAGE_ROOT, 'node_modules')
let listed: readonly TextFile[] | undefined

/** Every text, code and JSON file of the installed packages, sorted by path. Caches of tools are left out: they change. */
export function textFiles(): readonly TextFile[] {
  return (listed ??= filesOf(TEXT_KINDS))
}

/** Images and fonts of the installed packages, which are compressed already, and programs. */
export function binaryFiles(): readonly PackageFile<'image' | 'program'>[] {
  return filesOf(BINARY_KINDS)
}

function filesOf<Kind extends string>(kinds: KindByExtension<Kind>): PackageFile<Kind>[] {
  return readdirSync(NODE_MODULES, { recursive: true, withFileTypes: true })
    .flatMap(entry => packageFile(entry, kinds))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Files that are spread evenly over a list: at most `maxFiles`, and `maxBytes` together. */
export function spread<File extends PackageFile>(files: readonly File[], maxFiles: number, maxBytes: number): File[] {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const count = Math.floor(files.length / Math.max(1, files.length / maxFiles, bytes / maxBytes))
  const chosen: File[] = []
  let chosenBytes = 0
  for (let i = 0; i < count; i++) {
    const file = files[Math.floor((i * files.length) / count)]!
    if (chosenBytes + file.bytes > maxBytes) continue
    chosen.push(file)
    chosenBytes += file.bytes
  }
  return chosen
}

export function readDocument({ path }: PackageFile): Document {
  return { key: path, value: readFileSync(join(NODE_MODULES, path)) }
}

function packageFile<Kind extends string>(entry: Dirent, kinds: KindByExtension<Kind>): PackageFile<Kind>[] {
  const kind = kinds[extname(entry.name)]
  if (kind === undefined || !entry.isFile()) return []
  const file = join(entry.parentPath, entry.name)
  const path = relative(NODE_MODULES, file).split(sep).join('/')
  const bytes = path.startsWith('.') ? 0 : statSync(file).size
  return bytes === 0 || bytes > MAX_FILE_BYTES ? [] : [{ path, bytes, kind }]
}
