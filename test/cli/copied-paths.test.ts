import { expect, test } from 'vitest'
import { noteCopy, withOriginalPaths } from '../../src/cli/database/copied-paths.js'

test('an original whose name has a dollar sign is named as it is', () => {
  noteCopy('/tmp/copy', '/data/a$$b$&c')
  expect(withOriginalPaths('the log in /tmp/copy/ckv-wal')).toBe('the log in /data/a$$b$&c/ckv-wal')
})
