import { expect, test, vi } from 'vitest'
import { dictionaryKey } from '../../../src/store/dictionaries/dictionary-record.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { DICTIONARY, hurryClock, putTinyValues, storesOver, TINY_VALUES } from '../../support/long-flush.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { documents } from '../../support/small-documents.js'
import { turns } from '../../support/turns.js'

const DOCUMENTS = documents(3)

test('a flush that was given up stores no dictionary once the store is closed: the next one may have another under its id', async () => {
  const backend = new PermanentMemoryLevel()
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const open = storesOver(backend, fs)

  const first = await open(DICTIONARY)
  await putTinyValues(first, 'tiny')
  await first.put('z', DOCUMENTS[0]!)
  hurryClock()
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
