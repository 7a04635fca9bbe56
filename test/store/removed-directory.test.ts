import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { Level } from 'level'
import { expect, onTestFinished, test } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

// Windows removes no directory that a process is in. Mutation testing runs tests in worker threads, which cannot change the directory.
test.runIf(process.platform === 'linux' && isMainThread)(
  'a store at an absolute path opens in a process whose own directory was removed',
  async () => {
    const [directory, before] = [temporaryDirectory(), process.cwd()]
    onTestFinished(() => process.chdir(before))
    const removed = join(directory, 'removed')
    mkdirSync(removed)
    process.chdir(removed)
    rmdirSync(removed)
    const db = new CompressedKvStore(new Level(join(directory, 'db')))
    await db.put('key', 'value')
    expect(await db.get('key')).toBe('value')
    await db.close()
  }
)
