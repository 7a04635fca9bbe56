import { CompressedKvStore } from 'compressed-kv'
import { describe, expect, it } from 'vitest'
import { type Death, DEATHS, lossesAt, PermanentMachine, until } from '../../fault/write-back/machine.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { logOn, openLogged, powerCut, type Store } from '../../support/logged-store.js'
import { mortal } from '../../support/mortal-file-system.js'
import { BackendDisk, PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { CrashWorkload } from './crash-workload.js'

const wal = { segmentBytes: 20_000, blockBytes: 4096 }

/** Every backend call; of the calls that change a file of the log one in so many. */
const STRIDES: Record<Death['at'], number> = { file: 5, backend: 1 }

async function crashedInWriteBack(death: Death) {
  const machine = new PermanentMachine()
  const workload = new CrashWorkload()
  const died = await until(machine, death, async open => {
    const store = await open({ wal })
    await workload.run(store)
    if (!machine.isDead()) await store.close()
  })
  return { machine, workload, died }
}

describe('with a MemTable, a crash', () => {
  it.each(DEATHS)(
    '$when any $at call leaves the old blob or the new one, whole, and no garbage for long',
    async how => {
      let step = 1 + DEATHS.indexOf(how)
      for (; ; step += STRIDES[how.at]) {
        const { machine, workload, died } = await crashedInWriteBack({ ...how, step })
        if (!died) break
        for (const loss of lossesAt(step)) {
          const store = await machine.afterPowerCut(loss).open({ wal })
          expect(await workload.wrongIn(store), `at step ${step}, ${JSON.stringify(loss)}`).toBeUndefined()
          await store.close()
        }
      }
      expect(step).toBeGreaterThan(12)
    }
  )
})

/** A backend, and perhaps a log, on simulated disks. */
interface Disks {
  readonly backend: BackendDisk
  readonly fs: CrashableFileSystem
}

const MODES: Record<string, (disks: Disks) => Promise<Store>> = {
  'without a log': async ({ backend }) => new CompressedKvStore(new PermanentMemoryLevel(backend), { wal: false }),
  'with a log alone': ({ backend, fs }) =>
    openLogged(
      logOn(
        mortal(fs, () => backend.isDead),
        wal
      ),
      new PermanentMemoryLevel(backend),
      { memtable: false }
    )
}

/** Runs the workload until the backend dies at that batch; whether it did. */
async function crashed(open: (disks: Disks) => Promise<Store>, disks: Disks, step: number, midway: boolean) {
  const { backend, fs } = disks
  backend.crashAt(step, { midway, onCrash: () => fs.crash() })
  const workload = new CrashWorkload()
  const store = await open(disks).catch(() => undefined)
  try {
    if (store !== undefined) await workload.run(store)
  } catch (error) {
    if (!backend.isDead) throw error
  }
  const died = backend.isDead
  await store?.close().catch(() => {})
  return { workload, died }
}

describe.each(Object.entries(MODES))('%s, a crash', (_, open) => {
  it.each([false, true])(
    'at any backend call (midway: %s) leaves the old blob or the new one, whole, and no garbage for long',
    async midway => {
      let step = 1
      for (; ; step++) {
        const disks = { backend: new BackendDisk(), fs: new CrashableFileSystem() }
        const { workload, died } = await crashed(open, disks, step, midway)
        if (!died) break
        for (const { log, backend: unsynced, seed } of lossesAt(step)) {
          const left = { backend: disks.backend.afterCrash({ unsynced, seed }), fs: powerCut(disks.fs, log, seed) }
          const store = await open(left)
          expect(await workload.wrongIn(store), `at step ${step}, ${JSON.stringify({ log, unsynced })}`).toBeUndefined()
          await store.close()
        }
      }
      expect(step).toBeGreaterThan(12)
    }
  )
})
