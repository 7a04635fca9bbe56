import { expect, test, vi } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { failing, WRITES } from '../../support/intercept.js'
import { DICTIONARY, hurryClock, putTinyValues, storesOver, TINY_VALUES } from '../../support/long-flush.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { turns } from '../../support/turns.js'

test('a flush that is asked for while the store closes writes nothing into the next one over the same backend', async () => {
  const backend = new PermanentMemoryLevel()
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const open = storesOver(backend, fs)

  const first = await open(DICTIONARY)
  await putTinyValues(first, 'old')
  await first.sync()
  const takesWrites = failing(backend, WRITES, new Error('refused'))
  const seal = fs.hold('sync')
  const closed = first.close()
  await seal.reached
  takesWrites()
  hurryClock()
  const flushed = failures([first.flush()])
  seal()
  await closed
  vi.restoreAllMocks()

  const second = await open(false)
  await second.put('k7', Buffer.from('new'))
  await second.flush()
  await turns(2 * TINY_VALUES)
  expect(await flushed).toMatchObject([{ code: 'LEVEL_DATABASE_NOT_OPEN' }])
  await second.close()

  const third = await open(false)
  expect(await third.get('k7')).toEqual(Buffer.from('new'))
  await third.close()
})
