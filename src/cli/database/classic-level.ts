import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ClassicLevel } from 'classic-level'
import { Failure } from '../failure.js'

/** A LevelDB database whose keys and values are bytes. */
export type Database = ClassicLevel<Buffer, Buffer>

interface Module {
  readonly ClassicLevel: {
    new (
      location: string,
      options: { keyEncoding: 'buffer'; valueEncoding: 'buffer'; createIfMissing?: boolean; errorIfExists?: boolean }
    ): Database
    repair(location: string): Promise<void>
  }
}

/** @param create whether a database that is not there is made */
export async function databaseAt(location: string, create: boolean): Promise<Database> {
  const { ClassicLevel: Level } = await loadClassicLevel()
  return new Level(location, { keyEncoding: 'buffer', valueEncoding: 'buffer', createIfMissing: create })
}

/** The first key and the last; undefined if there are no keys. */
export async function endKeys(database: Database): Promise<readonly [first: Buffer, last: Buffer] | undefined> {
  const [first] = await database.keys({ limit: 1 }).all()
  const [last] = await database.keys({ limit: 1, reverse: true }).all()
  return first === undefined || last === undefined ? undefined : [first, last]
}

/**
 * Where classic-level may be. It is a peer dependency, since programs over memory-level do without it. `level` brings it along as well, but some
 * package managers hide it.
 */
const PLACES: readonly (() => Promise<Module>)[] = [
  () => import('classic-level'),
  () => seenFrom(project()),
  () => seenFrom(createRequire(import.meta.url).resolve('level')),
  () => seenFrom(createRequire(project()).resolve('level'))
]

/** @throws Failure if classic-level is not installed */
export async function loadClassicLevel(places: readonly (() => Promise<Module>)[] = PLACES): Promise<Module> {
  for (const place of places) {
    try {
      return await place()
    } catch {
      // Perhaps it is in the next one.
    }
  }
  throw new Failure("LevelDB databases need the package classic-level: run 'npm install classic-level' in your project")
}

function project(): string {
  return join(process.cwd(), 'package.json')
}

async function seenFrom(file: string): Promise<Module> {
  return (await import(pathToFileURL(createRequire(file).resolve('classic-level')).href)) as Module
}
