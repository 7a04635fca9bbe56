import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CompressedKvStore } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import type { WalOptions } from '../../src/wal/options.js'
import type { Unsynced } from './crashable-disk.js'
import type { CrashableFileSystem } from './crashable-file-system.js'
import { memory, type Store, type StoreOptions } from './memory-store.js'
import { temporaryDirectory } from './temporary-directory.js'

export { memory as memoryLevel, type Store, type StoreOptions } from './memory-store.js'

/** Where logs on simulated disks lie. */
export const LOG = '/log'

/** The least that a log takes: so that little data makes many frames and segments. */
export const SMALL = { blockBytes: 1024, segmentBytes: 1300 } as const

/** Options of a log on a simulated disk. It syncs only when it is told to. */
export function logOn(fs: NonNullable<WalOptions['fs']>, options: WalOptions = {}): WalOptions {
  return { dir: LOG, fsync: 'os', codec: 'none', meter: false, fs, ...SMALL, ...options }
}

/** An open store with a log; without a MemTable unless the options ask for one. */
export async function openLogged(
  wal: boolean | string | WalOptions,
  backend: Wrappable<string, Buffer> = memory(),
  options: StoreOptions = {}
): Promise<Store> {
  const store = new CompressedKvStore<string, Buffer>(backend, { memtable: false, ...options, wal })
  await store.open()
  return store
}

/** Why a store does not open. */
export async function refusal(
  wal: boolean | string | WalOptions,
  backend?: Wrappable<string, Buffer>,
  options?: StoreOptions
): Promise<{ code: unknown; message: string }> {
  try {
    await (await openLogged(wal, backend, options)).close()
  } catch (error) {
    const { code, message, cause } = error as Error & { code?: string; cause?: Error & { code?: string } }
    // abstract-level says only that it is not open, and keeps the reason as the cause.
    if (code === 'LEVEL_DATABASE_NOT_OPEN' && cause !== undefined) return { code: cause.code, message: cause.message }
    return { code, message }
  }
  return { code: undefined, message: 'It opened' }
}

/** Everything a store shows, values as text. */
export async function contents(store: Store): Promise<[string, string][]> {
  const entries = await store.iterator().all()
  return entries.map(([key, value]) => [key, value.toString('latin1')])
}

/** Opens another store with the same log, over an empty MemoryLevel, and says what is in it. */
export async function contentsOf(
  wal: boolean | string | WalOptions,
  backend: Wrappable<string, Buffer> = memory(),
  options: StoreOptions = {}
): Promise<[string, string][]> {
  const store = await openLogged(wal, backend, options)
  try {
    return await contents(store)
  } finally {
    await store.close()
  }
}

/** What a power cut leaves of a log, when the machine has been started again: locks of before count for nothing. */
export function powerCut(fs: CrashableFileSystem, unsynced: Unsynced, seed = 0): CrashableFileSystem {
  return withDeadOwners(fs.afterCrash({ unsynced, seed }))
}

/** What a killed process leaves: everything it wrote, synced or not. */
export function killed(fs: CrashableFileSystem): CrashableFileSystem {
  return withDeadOwners(fs.clone())
}

/** Whoever holds a lock is this process, and lives: so that it can be taken over, it is made another's, of before the machine was started. */
function withDeadOwners(disk: CrashableFileSystem): CrashableFileSystem {
  for (const path of disk.paths().filter(other => isLock(basename(other)))) {
    const owner = JSON.parse(disk.file(path).toString()) as object
    disk.put(path, Buffer.from(JSON.stringify({ ...owner, bootId: 'the one before', nonce: 'dead' })))
  }
  return disk
}

/**
 * A copy of a directory as it is at this moment, as a killed process leaves it: but a lock in it is of a live one. If a file is deleted before it is
 * copied, as LevelDB does in the background, the copy is made again.
 */
export function copyWhileOpen(directory: string): string {
  for (let tries = 1; ; tries++) {
    const copy = temporaryDirectory()
    try {
      cpSync(directory, copy, { recursive: true, filter: source => !isLock(basename(source)) })
      return copy
    } catch (error) {
      if (tries === 10 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** The files below a directory, by their paths in it, but for locks: to see whether one changed. */
export function imageOf(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {}
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !isLock(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
  return Object.fromEntries(paths.sort().map(path => [path.slice(directory.length), digestOf(readFileSync(path))]))
}

/** The same of a simulated disk. */
export function imageOfDisk(fs: CrashableFileSystem): Record<string, string> {
  const paths = fs.paths().filter(path => !isLock(basename(path)))
  return Object.fromEntries(paths.map(path => [path, digestOf(fs.file(path))]))
}

/** Bytes of all its files. */
export function bytesOn(fs: CrashableFileSystem): number {
  return fs.paths().reduce((sum, path) => sum + fs.file(path).length, 0)
}

/** Enough to tell whether a file changed, and short to print. */
function digestOf(bytes: Buffer): string {
  return `${bytes.length} bytes, ${createHash('sha1').update(bytes).digest('hex')}`
}

/** LevelDB makes a new LOCK at every opening, empty; ours says who has it. */
export function isLock(name: string): boolean {
  return name.startsWith('LOCK')
}
