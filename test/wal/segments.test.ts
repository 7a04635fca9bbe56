import { expect, test } from 'vitest'
import { Segments } from '../../src/wal/segments/segments.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { DIRECTORY } from './open-log.js'

test('a segment before a gap is not deleted, nor are those behind: a log with a gap is refused', async () => {
  const fs = new CrashableFileSystem()
  const segments = new Segments({ fs, directory: DIRECTORY }, Buffer.alloc(16), [])
  for (const id of [1, 2, 4, 5]) {
    fs.put(`${DIRECTORY}/00000${id}.wal`, Buffer.alloc(80))
    segments.began(id, 1)
  }
  await segments.deleteBefore(5, () => {})
  expect(fs.paths()).toEqual([2, 4, 5].map(id => `${DIRECTORY}/00000${id}.wal`))
})
