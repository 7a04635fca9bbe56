import { spawnSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { beforeAll, describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { Gate } from '../support/gate.js'
import { intercept } from '../support/intercept.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { compiled } from '../torture/compiled.js'

let program: string
beforeAll(() => {
  program = compiled('test/store/store-opener.ts')
})

/** What another process is told that opens a database. */
function elsewhere(way: 'bare' | 'inspect' | 'store' | 'unwrap', location: string): string {
  return spawnSync(process.execPath, [program, way, location], { encoding: 'utf8' }).stdout.trim()
}

async function openedStore(): Promise<{ store: CompressedKvStore<string, string>; location: string }> {
  const location = join(temporaryDirectory(), 'db')
  const store = new CompressedKvStore(new ClassicLevel(location))
  await store.put('before', 'v')
  return { store, location }
}

// Where processes have no start time, a process that runs cannot be told from a later one with its pid.
describe.runIf(process.platform === 'linux')('a store whose process has lost the lock of LevelDB', () => {
  it.each(['store', 'inspect', 'unwrap'] as const)(
    'is not opened in another process by %s, and loses no write',
    async way => {
      const { store, location } = await openedStore()
      await expect(new ClassicLevel(location).open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
      expect(elsewhere(way, location)).toBe('LEVEL_LOCKED')
      await store.put('after', 'v')
      await store.close()
      expect(elsewhere('store', location)).toBe('opened')
      const reopened = new CompressedKvStore(new ClassicLevel(location))
      expect(await reopened.getMany(['before', 'after'])).toEqual(['v', 'v'])
      await reopened.close()
    }
  )

  it('is not opened in another process before it is closed as a whole', async () => {
    const location = join(temporaryDirectory(), 'db')
    const level = new ClassicLevel(location)
    const closing = new Gate()
    intercept(level, ['_close'], async ({ proceed }) => {
      await closing.wait()
      return proceed()
    })
    const store = new CompressedKvStore(level)
    await store.open()
    await expect(new ClassicLevel(location).open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
    const closed = store.close()
    await closing.reached
    expect(elsewhere('store', location)).toBe('LEVEL_LOCKED')
    closing.open()
    await closed
    expect(elsewhere('store', location)).toBe('opened')
    await store.open()
    await level.close()
    expect(elsewhere('store', location)).toBe('opened')
  })

  it('does not keep a copy of its directory from being opened', async () => {
    const { store, location } = await openedStore()
    await store.flush()
    const copy = join(temporaryDirectory(), 'copy')
    cpSync(location, copy, { recursive: true }) // This closes LOCK, and so unlocks the database.
    expect(elsewhere('store', copy)).toBe('opened')
    expect(elsewhere('store', location)).toBe('LEVEL_LOCKED')
    await store.close()
  })
})

it('a second store of the same process is refused before LevelDB is asked, which would unlock the database', async () => {
  const { store, location } = await openedStore()
  const link = join(temporaryDirectory(), 'link')
  symlinkSync(location, link)
  for (const path of [location, link]) {
    const second = new CompressedKvStore(new ClassicLevel(path))
    await expect(second.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
  }
  expect(elsewhere('bare', location)).toBe('LEVEL_LOCKED')
  await store.close()
})
