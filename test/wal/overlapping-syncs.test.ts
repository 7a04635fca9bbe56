import { describe, expect, test } from 'vitest'
import { OverlappingSyncs } from '../../src/wal/writing/overlapping-syncs.js'
import { track, turns } from '../support/turns.js'

/** One that is under way until the test says what came of it. */
function begin(syncs: OverlappingSyncs) {
  let succeed!: () => void
  let fail!: (error: Error) => void
  const counted: string[] = []
  const call = new Promise<void>((resolve, reject) => {
    succeed = resolve
    fail = reject
  })
  const outcome = syncs.run(
    () => call,
    () => void counted.push('succeeded')
  )
  outcome.catch(() => {})
  return { succeed, fail, counted, outcome, state: track(outcome) }
}

const broken = new Error('the disk is broken')

describe('fsyncs that overlap', () => {
  test('count when all that ran beside them have succeeded', async () => {
    const syncs = new OverlappingSyncs()
    const [first, second] = [begin(syncs), begin(syncs)]
    expect(syncs.underWay).toBe(2)
    second.succeed()
    await turns()
    expect(syncs.underWay).toBe(1)
    expect(second.state.settled).toBe(false)
    expect(second.counted).toEqual([])
    first.succeed()
    await Promise.all([first.outcome, second.outcome])
    expect([...first.counted, ...second.counted]).toEqual(['succeeded', 'succeeded'])
  })

  test('count one by one where they do not overlap', async () => {
    const syncs = new OverlappingSyncs()
    const first = begin(syncs)
    first.succeed()
    await first.outcome
    const second = begin(syncs)
    await turns()
    expect(first.counted).toEqual(['succeeded'])
    expect(second.state.settled).toBe(false)
    second.succeed()
    await second.outcome
  })

  test('do not count once the earlier has failed, though the later succeeded first', async () => {
    const syncs = new OverlappingSyncs()
    const [first, second] = [begin(syncs), begin(syncs)]
    second.succeed()
    await turns()
    first.fail(broken)
    await expect(first.outcome).rejects.toBe(broken)
    await expect(second.outcome).rejects.toBe(broken)
    expect(second.counted).toEqual([])
  })

  test('do not count once the later has failed, though the earlier succeeds', async () => {
    const syncs = new OverlappingSyncs()
    const [first, second] = [begin(syncs), begin(syncs)]
    second.fail(broken)
    await turns()
    first.succeed()
    await expect(second.outcome).rejects.toBe(broken)
    await expect(first.outcome).rejects.toBe(broken)
    expect(first.counted).toEqual([])
  })

  test('never count again after one has failed', async () => {
    const syncs = new OverlappingSyncs()
    const first = begin(syncs)
    first.fail(broken)
    await expect(first.outcome).rejects.toBe(broken)
    const later = begin(syncs)
    later.succeed()
    await expect(later.outcome).rejects.toBe(broken)
    expect(later.counted).toEqual([])
  })

  test('are settled when nobody waits for one any more', async () => {
    const syncs = new OverlappingSyncs()
    expect(syncs.areSettled).toBe(true)
    const [first, second] = [begin(syncs), begin(syncs)]
    const settled = syncs.settled()
    const state = track(settled)
    first.succeed()
    await turns()
    expect(syncs.areSettled).toBe(false)
    expect(state.settled).toBe(false)
    second.fail(broken)
    await settled
    expect(syncs.areSettled).toBe(true)
    expect(syncs.underWay).toBe(0)
  })
})
