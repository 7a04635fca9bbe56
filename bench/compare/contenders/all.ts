import { BARE, BASELINE } from './bare.js'
import type { Contender } from './contender.js'
import { KEYV } from './keyv.js'
import { LMDB } from './lmdb.js'
import { STORES } from './store.js'

const CONTENDERS: readonly Contender[] = [...BARE, ...LMDB, ...KEYV, ...STORES]

/** Rivals that are left out, and why: they should not look forgotten. */
export const LEFT_OUT = [
  'keyv over @keyv/sqlite, and other persistent stores of keyv: sqlite3 fetches or compiles a binary while it is installed; the rest need a server'
] as const

/** @throws Error with a message for the user */
export function contenderNamed(id: string): Contender {
  const contender = CONTENDERS.find(known => known.id === id)
  if (contender !== undefined) return contender
  throw new Error(`There is no contender '${id}': use ${CONTENDERS.map(known => known.id).join(', ')}`)
}

/** The contenders that are asked for. The baseline comes first, even if it is not asked for. */
export function contendersNamed(ids: readonly string[] | undefined): readonly Contender[] {
  if (ids === undefined) return CONTENDERS
  const asked = new Set(ids.map(contenderNamed))
  return CONTENDERS.filter(contender => contender === BASELINE || asked.has(contender))
}
