import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sizesOf } from '../../src/cli/database/database-files.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

it('a segment that its log deletes while sizes are taken is left out', async () => {
  const log = temporaryDirectory()
  symlinkSync(join(log, 'gone'), join(log, '000001.wal')) // Like one that is deleted right after it was listed.
  writeFileSync(join(log, '000002.wal'), 'two')
  expect((await sizesOf(log, log)).segments).toEqual([{ name: '000002.wal', bytes: 3 }])
})
