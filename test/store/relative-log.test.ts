import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { expect, onTestFinished, test } from 'vitest'
import { CompressedKvStore, unwrap } from '../../src/index.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** Two directories; the process is in the first. */
function here(): { first: string; second: string } {
  const before = process.cwd()
  onTestFinished(() => process.chdir(before))
  const root = temporaryDirectory()
  const [first, second] = [join(root, 'first'), join(root, 'second')]
  mkdirSync(first)
  mkdirSync(second)
  process.chdir(first)
  return { first, second }
}

test('a log whose directory is relative is where the store was made, also when the process goes elsewhere before it opens', async () => {
  const { first, second } = here()
  const store = new CompressedKvStore(new MemoryLevel(), { wal: './log' })
  process.chdir(second)
  await store.put('k', 'v')
  await store.close()
  process.chdir(first)
  const again = new CompressedKvStore(new MemoryLevel(), { wal: { dir: 'log' } })
  process.chdir(second)
  expect(await again.get('k')).toBe('v')
  await again.close()
  expect(existsSync(join(first, 'log'))).toBe(true)
  expect(existsSync(join(second, 'log'))).toBe(false)
})

test.each([
  ['a directory', 'log'],
  ['options', { dir: 'log' }]
] as const)(
  'unwrap() removes a log of a relative directory, given as %s, though the process goes elsewhere meanwhile',
  async (_, wal) => {
    const { first, second } = here()
    const level = new Level(join(first, 'db'))
    const store = new CompressedKvStore(level, { wal })
    await store.put('k', text(5000).toString())
    await store.close()
    const crashed = new CompressedKvStore(level, { wal })
    await crashed.put('k', text(6000).toString())
    await crashed.close()
    await unwrap(level, { wal, onProgress: () => process.chdir(second) })
    process.chdir(first)
    expect(existsSync('log')).toBe(false)
    const wrapped = new CompressedKvStore(level, { wal })
    expect(await wrapped.get('k')).toBe(text(6000).toString())
    await wrapped.close()
  }
)
