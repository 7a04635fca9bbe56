import { basename, join } from 'node:path'
import { Record, type WalRecord } from '../../../src/wal/format/record.js'
import type { WalOptions } from '../../../src/wal/options.js'
import type { RecoveryReport } from '../../../src/wal/recovery/recovered-log.js'
import { Wal } from '../../../src/wal/wal.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { isLock } from '../../support/logged-store.js'

/** Where the logs of these tests lie. */
export const DIRECTORY = '/log'
/** The least: so that a short log has several frames. */
export const BLOCK_BYTES = 1024

interface Opened {
  readonly wal: Wal
  readonly recovery: RecoveryReport
}

/** Opens a log that syncs only when it is told to, with small blocks. */
export function openLog(fs: NonNullable<WalOptions['fs']>, options: WalOptions = {}): Promise<Opened> {
  return Wal.open({ dir: DIRECTORY, blockBytes: BLOCK_BYTES, fsync: 'os', meter: false, fs, ...options })
}

/** A disk that holds these files, by name, in the log's directory. */
export function diskWith(files: Readonly<Record<string, Uint8Array>>): CrashableFileSystem {
  const fs = new CrashableFileSystem()
  for (const [name, bytes] of Object.entries(files)) fs.put(join(DIRECTORY, name), bytes)
  return fs
}

/** What the files of the log hold, by name, but for lock files. */
export function filesOf(fs: CrashableFileSystem): Record<string, Buffer> {
  const names = fs.paths().map(path => basename(path))
  const files = names.filter(name => !isLock(name)).map(name => [name, fs.file(join(DIRECTORY, name))] as const)
  return Object.fromEntries(files)
}

/** The same as text, which is compared much faster than bytes. */
export function imageOf(files: Readonly<Record<string, Buffer>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.toString('latin1')]))
}

/** A record as one line, to be compared. */
export function lineOf({ sequence, kind, key, value }: WalRecord): string {
  return `${sequence} ${kind} ${key.toString()} ${value?.toString('latin1') ?? ''}`
}

/** The same of a put that is yet to be read back. */
export function putLine(sequence: number, key: string, value: string): string {
  return `${sequence} put ${key} ${value}`
}

/** All records there are, as lines. */
export async function linesOf(wal: Wal): Promise<string[]> {
  const lines: string[] = []
  for await (const { record } of wal.read()) lines.push(lineOf(record))
  return lines
}

/** Opens a log and reads all of it. */
export async function openedLines(fs: CrashableFileSystem, options: WalOptions = {}): Promise<string[]> {
  const { wal } = await openLog(fs, options)
  try {
    return await linesOf(wal)
  } finally {
    await wal.close()
  }
}

/**
 * Appends a record to an open log, closes it and opens it again.
 *
 * @returns the records there are then, as lines; the last should be the one that was appended
 */
export async function goOn(fs: CrashableFileSystem, wal: Wal, key = 'afterwards'): Promise<string[]> {
  await wal.append(Record.put(key, 'appended later'))
  await wal.close()
  return openedLines(fs)
}

export function laterLine(sequence: number, key = 'afterwards'): string {
  return putLine(sequence, key, 'appended later')
}
