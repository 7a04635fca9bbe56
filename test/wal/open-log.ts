import { createHash } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type FileSystem, Record, type RecoveryReport, Wal, type WalEntry, type WalOptions } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { noise } from '../support/sample-values.js'

export const DIRECTORY = '/log'

/** Every record of 1000 bytes gets a segment of its own. */
export const TINY_SEGMENTS = { codec: 'none', blockBytes: 1024, segmentBytes: 1152 } as const

/** Opens a log, on a disk in memory unless `fs` is given, and closes it after the test. */
export async function openLog(
  options: WalOptions = {}
): Promise<{ wal: Wal; recovery: RecoveryReport; fs: FileSystem }> {
  const fs = options.fs ?? new CrashableFileSystem()
  const opened = await Wal.open({ dir: DIRECTORY, meter: false, ...options, fs })
  onTestFinished(() => opened.wal.close().catch(() => {}))
  return { ...opened, fs }
}

/** Closes a log and opens it once more. */
export async function reopened(wal: Wal, options: WalOptions & { fs: FileSystem }) {
  await wal.close()
  return openLog(options)
}

/** One record after another, with keys '1', '2', ..., and `bytes` bytes of value that do not compress. */
export async function fill(wal: Wal, count: number, bytes = 1000): Promise<void> {
  for (let i = 0; i < count; i++) await wal.append(Record.put(String(wal.nextSequence), noise(bytes)))
}

export async function collect(entries: AsyncIterable<WalEntry>): Promise<WalEntry[]> {
  const all: WalEntry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

export async function keys(entries: AsyncIterable<WalEntry>): Promise<string[]> {
  return (await collect(entries)).map(({ record }) => record.key.toString())
}

/** Stands for bytes: comparing two long buffers takes the test runner seconds. */
export function fingerprint(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'none' : `${bytes.length} bytes, ${createHash('sha1').update(bytes).digest('hex')}`
}

/** Of all values, in order. */
export async function fingerprints(entries: AsyncIterable<WalEntry>): Promise<string[]> {
  return (await collect(entries)).map(({ record }) => fingerprint(record.value))
}

/** '1', '2', ... as `fill` calls keys. */
export function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i))
}

/** What a process that starts after a power cut finds: nothing that was not synced, and no other process. */
export async function afterPowerCut(fs: FileSystem): Promise<CrashableFileSystem> {
  const left = (fs as CrashableFileSystem).afterCrash({ unsynced: 'none' })
  if (left.paths().includes(`${DIRECTORY}/LOCK`)) await left.remove(`${DIRECTORY}/LOCK`)
  return left
}

/** Every file there is, for telling that nothing was changed. */
export function contents(fs: CrashableFileSystem): { [path: string]: string } {
  return Object.fromEntries(fs.paths().map(path => [path, fingerprint(fs.file(path))]))
}
