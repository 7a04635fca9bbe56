import { expect, test } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { failing } from '../../support/intercept.js'
import { logOn, openLogged } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'

test.each([{ memtable: false }, { memtable: {} }] as const)(
  'a write after the backend failed to close makes no segment in the log, which is closed and unlocked: %o',
  async options => {
    const backend = new PermanentMemoryLevel()
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), backend, options)
    const closes = failing(backend, ['_close'], new Error('busy'))
    expect(await failures([store.close()])).toMatchObject([{ code: 'LEVEL_DATABASE_NOT_CLOSED' }])
    closes()

    expect(await failures([store.put('k', Buffer.from('v'))])).toMatchObject([{ code: 'LEVEL_DATABASE_NOT_OPEN' }])
    expect(fs.paths()).toEqual([])
    await store.close()
    expect(fs.paths()).toEqual([])

    const next = await openLogged(logOn(fs), backend, options)
    await next.put('k', Buffer.from('v'))
    expect(await next.get('k')).toEqual(Buffer.from('v'))
    await next.close()
  }
)
