import { readdir } from 'node:fs/promises'
import { corruption } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { locationOf, rootOf } from './backend.js'
import { override } from './override.js'

const TABLE = /^\d+\.(?:ldb|sst)$/

const watched = new WeakSet<AnyLevel>()

/**
 * Makes a database refuse to open if its directory has tables, but not the file CURRENT, which names the list of them. LevelDB would take the directory
 * for an empty one, create a database there and delete the tables.
 *
 * Call it before the database opens by itself, which it does in a microtask after it was made.
 */
export function refuseLostCurrent(backend: AnyLevel): void {
  const root = rootOf(backend)
  const location = locationOf(root)
  if (location === undefined || watched.has(root)) return
  watched.add(root)
  override(root, '_open', open => async (...args) => {
    await assertCurrent(location)
    return open.apply(root, args)
  })
}

async function assertCurrent(location: string): Promise<void> {
  const names = await readdir(location).catch((): string[] => []) // A missing directory is made, or reported, by LevelDB.
  if (names.includes('CURRENT') || !names.some(name => TABLE.test(name))) return
  throw corruption(
    `${location} has tables but lacks the file CURRENT, so LevelDB would make an empty database there and delete the tables: ` +
      'restore a backup, or copy the directory and repair it with `ckv repair` or ClassicLevel.repair(). If it was to be destroyed, delete the directory'
  )
}
