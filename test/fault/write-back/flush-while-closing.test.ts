import { expect, test, vi } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { failing, WRITES } from '../../support/intercept.js'
import { logOn, openLogged } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { documents } from '../../support/small-documents.js'
import { turns } from '../../support/turns.js'

/** More than closing a store and opening the next takes turns of the event loop. */
const TINY_VALUES = 3000

test('a flush that is asked for while the store closes writes nothing into the next one over the same backend', async () => {
  const backend = new PermanentMemoryLevel()
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const open = (dictionary: Buffer | false) =>
    openLogged(logOn(fs, { blockBytes: 65_536, segmentBytes: 1 << 24 }), backend, {
      codec: 'zstd',
      dictionary,
      memtable: { flushIntervalMs: Infinity }
    })

  const first = await open(Buffer.concat(documents(40, 7)))
  await Promise.all(Array.from({ length: TINY_VALUES }, (_, i) => first.put(`k${i}`, Buffer.from('old'))))
  await first.sync()
  const takesWrites = failing(backend, WRITES, new Error('refused'))
  const seal = fs.hold('sync')
  const closed = first.close()
  await seal.reached
  takesWrites()
  let now = 1 // Whoever looks at the clock finds that a long time has gone by.
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 100))
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
