import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { nodeFileSystem } from '../../src/index.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { compiled } from '../torture/compiled.js'
import { keys, numbered, openLog } from './open-log.js'

let program: string
beforeAll(() => {
  program = compiled('test/wal/unclosed-writer.ts')
})

test.for(['always', 'interval', 'os'])(
  "a log that is left open does not keep its process alive, and has all that was appended (fsync: '%s')",
  async fsync => {
    const dir = temporaryDirectory()
    await promisify(execFile)(process.execPath, [program, dir, fsync], { timeout: 20_000 })
    const { wal, recovery } = await openLog({ dir, fs: nodeFileSystem })
    expect(recovery.corruption).toEqual([])
    expect(await keys(wal.read())).toEqual(numbered(1, 10))
  }
)
