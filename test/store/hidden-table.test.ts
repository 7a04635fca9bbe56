import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import { classicLevel } from '../support/classic-level.js'
import { noise } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/*
 * LevelDB opens a table when something is first read from it. If that fails, say because the process has too many files open, an iterator goes on
 * without the table's entries, and says so only when it has come to its end.
 */

const KEYS = Array.from({ length: 9000 }, (_, i) => `k${String(i).padStart(6, '0')}`)
const PARTS = [0, 3000, 6000].map(from => KEYS.slice(from, from + 3000))
const MIDDLE = PARTS[1]!

/** A database with three tables that have no key in common. The one in the middle can be hidden from LevelDB. */
async function threeTables(): Promise<{ location: string; hide: () => void; show: () => void }> {
  const location = temporaryDirectory()
  const level = new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' })
  for (const part of PARTS) {
    await level.batch(part.map((key, i) => ({ type: 'put', key, value: noise(100, i + 1) })))
    await level.compactRange(part[0]!, part.at(-1)!)
  }
  await level.close()
  const tables = readdirSync(location).filter(name => name.endsWith('.ldb'))
  expect(tables).toHaveLength(3)
  const path = join(location, tables.sort()[1]!)
  const hidden = `${path}.hidden`
  return { location, hide: () => renameSync(path, hidden), show: () => renameSync(hidden, path) }
}

const MODES: Record<string, CompressedKvStoreOptions<string, Buffer>> = {
  'write-back': {},
  logged: { memtable: false },
  'write-through': { wal: false }
}

describe.each(Object.entries(MODES))('%s', (_mode, options) => {
  it.each([
    { gte: MIDDLE[0]!, reverse: false },
    { lte: MIDDLE.at(-1)!, reverse: true }
  ])('a limited clear deletes no other keys in place of those that LevelDB cannot read: %j', async range => {
    const { location, hide, show } = await threeTables()
    const store = new CompressedKvStore(classicLevel(location), options)
    await store.open()
    hide()
    await expect(store.clear({ ...range, limit: 3 })).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    show()
    await store.close()
    const again = new CompressedKvStore(classicLevel(location), options)
    expect(await again.keys().all()).toEqual(KEYS)
    await again.clear({ ...range, limit: 3 })
    const left = range.reverse ? MIDDLE.slice(0, -3) : MIDDLE.slice(3)
    expect(await again.keys().all()).toEqual([...PARTS[0]!, ...left, ...PARTS[2]!])
    await again.close()
  })
})
