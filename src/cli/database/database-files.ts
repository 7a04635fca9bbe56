import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../failure.js'
import { DATABASE_FILE, logDirectory, namesIn, SEGMENT_FILE, TABLE } from './location.js'

/** The files of a directory whose names match. */
export interface Source {
  readonly from: string
  readonly files: RegExp
}

/** The names of files that are there, sorted; none if the directory is missing. */
export async function filesOf({ from, files }: Source): Promise<string[]> {
  const names = (await namesIn(from)) ?? []
  return names.filter(name => files.test(name)).sort()
}

interface SizedFile {
  readonly name: string
  readonly bytes: number
}

async function sized(source: Source): Promise<SizedFile[]> {
  const files = await Promise.all(
    (await filesOf(source)).map(async name => ({ name, bytes: await sizeOf(join(source.from, name)) }))
  )
  return files.filter((file): file is SizedFile => file.bytes !== undefined)
}

/** Undefined if the file is gone: a log alone is looked at where it is, and may lose segments meanwhile. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function sum(files: readonly SizedFile[]): number {
  return files.reduce((total, file) => total + file.bytes, 0)
}

/** Bytes of the files of a database: tables, LevelDB's other files, segments of the log. */
export async function sizesOf(
  location: string,
  wal: string | undefined
): Promise<{ tables: number; others: number; segments: SizedFile[] }> {
  const files = await sized({ from: location, files: DATABASE_FILE })
  return {
    tables: sum(files.filter(({ name }) => TABLE.test(name))),
    others: sum(files.filter(({ name }) => !TABLE.test(name))),
    segments: await sized({ from: logDirectory(location, wal), files: SEGMENT_FILE })
  }
}
