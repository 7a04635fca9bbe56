import { expect, test } from 'vitest'
import { WalObserver } from '../../src/wal/observer.js'
import { Segments } from '../../src/wal/segments/segments.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { DIRECTORY } from './open-log.js'

test('a segment before a gap is not deleted, nor are those behind: a log with a gap is refused', async () => {
  const fs = new CrashableFileSystem()
  const segments = new Segments({ fs, directory: DIRECTORY }, Buffer.alloc(16), [], new WalObserver(false))
  for (const id of [1, 2, 4, 5]) {
    fs.put(`${DIRECTORY}/00000${id}.wal`, Buffer.alloc(80))
    segments.began(id, 1)
  }
  expect(await segments.deleteBefore(5)).toBe(1)
  expect(fs.paths()).toEqual([2, 4, 5].map(id => `${DIRECTORY}/00000${id}.wal`))
})
