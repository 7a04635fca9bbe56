import { join } from 'node:path'
import { type FileSystem, isMissing } from '../../fs/file-system.js'

/** Where a log's files are. */
export interface LogDirectory {
  readonly fs: FileSystem
  readonly directory: string
}

/** Names of segment files. Others in the directory are left alone. */
const SEGMENT_NAME = /^(\d{6,15})\.wal$/

export function segmentPath(directory: string, id: number): string {
  return join(directory, segmentName(id))
}

function segmentName(id: number): string {
  return `${digitsOf(id)}.wal`
}

function digitsOf(id: number): string {
  return String(id).padStart(6, '0')
}

/** Where a new version of a segment is written before it takes the segment's name. */
export function draftPath(directory: string, id: number): string {
  return `${segmentPath(directory, id)}.new`
}

/** Where bytes are kept that recovery has cut off, at `time` (ms since 1970). */
export function tornPath(directory: string, id: number, time: number): string {
  return join(directory, `${digitsOf(id)}.torn-${time}`)
}

/** Ids of the segments among file names, ascending. */
export function segmentIds(names: readonly string[]): number[] {
  return names
    .map(name => ({ name, id: Number(SEGMENT_NAME.exec(name)?.[1] ?? 0) }))
    .filter(({ name, id }) => id > 0 && name === segmentName(id))
    .map(({ id }) => id)
    .sort((a, b) => a - b)
}

/** Ids of the segments in a directory, ascending; none if the directory is missing. */
export async function segmentIdsIn({ fs, directory }: LogDirectory): Promise<number[]> {
  try {
    return segmentIds(await fs.list(directory))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
