import { describe, expect, it } from 'vitest'
import type { WalOptions } from '../../../src/wal/options.js'
import type { Unsynced } from '../../support/crashable-disk.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { Counted } from '../../support/gc-store.js'
import {
  contents,
  contentsOf,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  type StoreOptions
} from '../../support/logged-store.js'
import { LoggedWorkload } from '../../support/logged-workload.js'
import { mortal } from '../../support/mortal-file-system.js'
import { turns } from '../../support/turns.js'

/** What of the unsynced survives a crash at a step; the seed is named when a test fails. */
function lossesAt(step: number): readonly { unsynced: Unsynced; seed: number }[] {
  return [
    { unsynced: 'all', seed: 0 },
    { unsynced: 'none', seed: 0 },
    { unsynced: 'some', seed: step }
  ]
}

/** Of the steps, one in so many is tried in each run. */
const STRIDE = 6

type Policy = NonNullable<WalOptions['fsync']>

const plain: [string, string][] = [
  ['k1', 'plain'],
  ['k5', 'from before']
]

/** A memory-level, its log and calls on it, until the machine dies at a step; whether it died, and whether the store was open. */
async function crashed(
  policy: Policy,
  seed: number,
  step: number,
  midway: boolean,
  filled: boolean,
  storeOptions: StoreOptions = {}
) {
  const fs = new CrashableFileSystem()
  const workload = new LoggedWorkload(seed, policy === 'always', filled ? plain : [])
  fs.crashAt(step, { midway })
  let opened = false
  const failure = await (async () => {
    const options = logOn(
      mortal(fs, () => fs.steps >= step),
      { fsync: policy, fsyncIntervalMs: 1 }
    )
    const level = memoryLevel()
    if (filled) for (const [key, value] of plain) await level.put(key, Buffer.from(value))
    const first = await openLogged(options, level, storeOptions)
    opened = true
    await workload.run(first, 10)
    await first.close()
    workload.closed()
    const second = await openLogged(options, memoryLevel(), storeOptions)
    await workload.run(second, 20)
    await turns(20)
  })().catch((error: unknown) => error)
  const died = fs.steps >= step
  if (failure !== undefined && !died) throw failure
  return { fs, workload, died, opened }
}

/** The values of snapshots are swept before: some are compressed, some marked. */
const policyOfSweeps = new Counted()
const SWEPT: StoreOptions = { gc: { policy: policyOfSweeps } }

describe.each<[Policy, boolean, string, StoreOptions]>([
  ['always', false, 'none', {}],
  ['os', false, 'none', {}],
  ['interval', true, 'none', {}],
  ['os', true, 'a policy', SWEPT]
])("a memory-level with a log, fsync: '%s', filled before: %s, swept by %s", (policy, filled, _, options) => {
  it.each([false, true])(
    'crashed at any step has all that was promised, batches whole, and goes on (midway: %s)',
    async midway => {
      const seed = 11
      // Neighbours do nearly the same: with two forms and three policies hardly one is left out.
      for (let step = midway ? 1 : 4; ; step += STRIDE) {
        const { fs, workload, died, opened } = await crashed(policy, seed, step, midway, filled, options)
        for (const { unsynced, seed: lossSeed } of lossesAt(step)) {
          try {
            const disk = powerCut(fs, unsynced, lossSeed)
            const store = await openLogged(logOn(disk))
            const found = await contents(store)
            // Before the store was open nothing was promised, not even what the memory-level held.
            if (opened || found.length > 0) workload.check(found, unsynced === 'all')
            await store.put('zz', Buffer.from('later'))
            await store.close()
            expect(await contentsOf(logOn(disk))).toEqual([...found, ['zz', 'later']])
          } catch (error) {
            throw new Error(`step ${step}, workload ${seed}, unsynced ${unsynced}, seed ${lossSeed}`, { cause: error })
          }
        }
        if (!died) break
      }
    }
  )

  it('the workload makes snapshots, and deletes what was before them', async () => {
    const { fs } = await crashed(policy, 11, Infinity, false, filled, options)
    expect(fs.paths().some(path => path.endsWith('000001.wal'))).toBe(false)
    expect(options !== SWEPT || policyOfSweeps.compressed > 0).toBe(true)
  })
})

it('a crash while the log is being loaded leaves it as it was', async () => {
  const { fs } = await crashed('os', 3, Infinity, false, false)
  const cut = () => powerCut(fs, 'some', 5)
  const expected = await contentsOf(logOn(cut()))
  for (let step = 1; ; step++) {
    const disk = cut()
    disk.crashAt(step, { midway: step % 2 === 0 })
    const opened = await openLogged(logOn(disk)).catch(() => undefined)
    for (const { unsynced, seed } of lossesAt(step)) {
      expect(await contentsOf(logOn(powerCut(disk, unsynced, seed))), `step ${step}, ${unsynced}`).toEqual(expected)
    }
    if (opened !== undefined) break
  }
})
