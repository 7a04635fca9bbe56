import { describe, expect, it } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { Gate } from '../../support/gate.js'
import { intercept } from '../../support/intercept.js'
import { contentsOf, logOn, memoryLevel, openLogged, powerCut, refusal } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { turns } from '../../support/turns.js'
import { LAZY, PermanentMachine } from './machine.js'

const SMALL = Buffer.from('small')

describe('acknowledged early', () => {
  it('nothing is acknowledged before the marker says that the log may be ahead', async () => {
    const machine = new PermanentMachine()
    const store = await machine.open({ memtable: LAZY, wal: { fsync: 'always' } })
    const gate = new Gate()
    let calls = 0
    // The first says that the store is there, the second that its log is dirty.
    intercept(store.backend, ['_batch'], async ({ proceed }) => {
      if (++calls === 2) await gate.wait()
      return proceed()
    })
    const first = store.put('a', SMALL)
    await gate.reached
    let acknowledged = false
    const second = store.put('b', SMALL).then(() => void (acknowledged = true))
    await turns(10)
    const early = acknowledged
    const without = await refusal(logOn(new CrashableFileSystem()), new PermanentMemoryLevel(machine.disk.clone()))
    gate.open()
    await Promise.all([first, second])
    await store.close()
    // Nothing was acknowledged, so a log that is lost now is not missed.
    expect({ early, without: without.message }).toEqual({ early: false, without: 'It opened' })
  })

  it.each([LAZY, false])('a clear that found nothing, with sync, finds nothing after a power cut', async memtable => {
    const disk = new CrashableFileSystem()
    const store = await openLogged(logOn(disk), memoryLevel(), { memtable })
    await store.put('a', SMALL)
    await store.sync()
    await store.del('a')
    await store.clear({ limit: 1, sync: true })
    expect(await contentsOf(logOn(powerCut(disk, 'none')))).toEqual([])
  })
})
