import { expect, test, vi } from 'vitest'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { logOn, openLogged } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { documents } from '../../support/small-documents.js'
import { turns } from '../../support/turns.js'

/** More than closing a store and opening the next takes turns of the event loop. */
const TINY_VALUES = 3000
const DOCUMENTS = documents(3)

test('a flush that was given up stores no dictionary once the store is closed: the next one may have another under its id', async () => {
  const backend = new PermanentMemoryLevel()
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const open = (dictionary: Buffer | false) =>
    openLogged(logOn(fs, { blockBytes: 65_536, segmentBytes: 1 << 24 }), backend, {
      codec: 'zstd',
      dictionary,
      memtable: { flushIntervalMs: Infinity }
    })

  const first = await open(Buffer.concat(documents(40, 7)))
  await Promise.all(Array.from({ length: TINY_VALUES }, (_, i) => first.put(`k${i}`, Buffer.from('tiny'))))
  await first.put('z', DOCUMENTS[0]!)
  let now = 1 // Whoever looks at the clock finds that a long time has gone by.
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 100))
  fs.fail('sync', { code: 'EIO' })
  expect(await failures([first.flush()])).toMatchObject([{ code: 'LEVEL_IO_ERROR' }])
  await first.close()
  vi.restoreAllMocks()

  const second = await open(Buffer.concat(documents(40, 8)))
  await second.put('a', DOCUMENTS[1]!)
  await second.flush()
  expect(second.stats().dictionary.id).toBe(1)
  await turns(2 * TINY_VALUES)
  const written = backend.disk.batches.flatMap(({ operations }) => operations.map(({ key }) => key.toString('hex')))
  expect(written.filter(key => key === dictionaryKey(1).toString('hex'))).toHaveLength(1)
  await second.close()

  const third = await open(false)
  expect(await third.getMany(['a', 'z'])).toEqual([DOCUMENTS[1], DOCUMENTS[0]])
  await third.close()
})
