import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, inspect, unwrap } from '../../src/index.js'
import { copyWhileOpen } from '../support/logged-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const LACKS_CURRENT = { cause: { code: 'LEVEL_CORRUPTION', message: expect.stringContaining('ClassicLevel.repair') } }

/** The directory of a database that was closed and has tables, but no file CURRENT. */
async function withoutCurrent(): Promise<string> {
  const location = temporaryDirectory()
  const store = new CompressedKvStore(new ClassicLevel(location))
  for (let index = 0; index < 100; index++) await store.put(`k${index}`, `v${index}`.repeat(100))
  await store.flush()
  await store.compactRange('a', 'z')
  await store.close()
  expect(tablesIn(location)).not.toEqual([])
  rmSync(join(location, 'CURRENT'))
  return location
}

function tablesIn(location: string): string[] {
  return readdirSync(location).filter(name => name.endsWith('.ldb'))
}

describe('a directory with tables and without CURRENT', () => {
  it('is not opened, so that LevelDB does not delete the tables', async () => {
    const location = await withoutCurrent()
    const tables = tablesIn(location)
    const store = new CompressedKvStore(new ClassicLevel(location))
    await expect(store.open()).rejects.toMatchObject(LACKS_CURRENT)
    await expect(store.open()).rejects.toMatchObject(LACKS_CURRENT)
    const overSublevel = new CompressedKvStore(new ClassicLevel(location).sublevel('s'))
    await expect(overSublevel.open()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await expect(inspect(new ClassicLevel(location))).rejects.toMatchObject(LACKS_CURRENT)
    await expect(unwrap(new ClassicLevel(location))).rejects.toMatchObject(LACKS_CURRENT)
    const source = new CompressedKvStore(new MemoryLevel())
    await source.open()
    await expect(source.backup(new ClassicLevel(location))).rejects.toMatchObject(LACKS_CURRENT)
    await source.close()
    expect(tablesIn(location)).toEqual(tables)
  })

  it('is opened by the same store once LevelDB has repaired it, and has every value', async () => {
    const location = await withoutCurrent()
    const store = new CompressedKvStore(new ClassicLevel(location))
    await expect(store.open()).rejects.toMatchObject(LACKS_CURRENT)
    await ClassicLevel.repair(location)
    await store.open()
    expect(await store.keys().all()).toHaveLength(100)
    expect(await store.get('k42')).toBe('v42'.repeat(100))
    await store.close()
  })

  it('without tables is a new database', async () => {
    const location = temporaryDirectory()
    const bare = new ClassicLevel(location)
    await bare.open()
    await bare.close()
    rmSync(join(location, 'CURRENT'))
    const store = new CompressedKvStore(new ClassicLevel(location))
    await store.put('k', 'v')
    expect(await store.get('k')).toBe('v')
    await store.close()
  })
})

describe('a database that was not closed and lost its list of tables', () => {
  it.each([{}, { memtable: false }, { wal: false }] as const)(
    'has every acknowledged write after LevelDB’s repair, with %j',
    async options => {
      const location = temporaryDirectory()
      const store = new CompressedKvStore(new ClassicLevel(location), options)
      for (let index = 0; index < 50; index++) await store.put(`k${index}`, `v${index}`.repeat(100))
      await store.flush()
      await store.compactRange('a', 'z')
      await store.put('k7', 'newer')
      await store.del('k8')
      const copy = copyWhileOpen(location)
      await store.close()
      for (const name of readdirSync(copy)) if (name.startsWith('MANIFEST')) rmSync(join(copy, name))

      await expect(new CompressedKvStore(new ClassicLevel(copy), options).open()).rejects.toMatchObject({
        code: 'LEVEL_DATABASE_NOT_OPEN'
      })
      await ClassicLevel.repair(copy)
      const repaired = new CompressedKvStore(new ClassicLevel(copy), options)
      expect(await repaired.keys().all()).toHaveLength(49)
      expect(await repaired.getMany(['k7', 'k8', 'k9'])).toEqual(['newer', undefined, 'v9'.repeat(100)])
      await repaired.close()
    }
  )
})
