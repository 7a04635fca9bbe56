import { describe, expect, it } from 'vitest'
import { CODEC_ID, type Gc, Lz4Gc } from '../../../src/index.js'
import type { WalOptions } from '../../../src/wal/options.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { Gate } from '../../support/gate.js'
import { envelopeOf } from '../../support/gc-store.js'
import { bytesOn, contents, killed, logOn, memoryLevel, openLogged, type Store } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'

const WAL: WalOptions = { segmentBytes: 16_384, blockBytes: 2048 }
const STABLE = 20
const stable = Array.from({ length: STABLE }, (_, i) => `s${i}`)

const MODES = {
  'write-back': { memtable: { flushBytes: 3000, maxBytes: 16_000, flushIntervalMs: 5 } },
  logged: { memtable: false }
} as const

/** A store with values that stay, stored as they are. */
async function opened(mode: keyof typeof MODES, policy: Gc | undefined) {
  const fs = new CrashableFileSystem()
  const backend = memoryLevel()
  const gc = policy === undefined ? {} : { gc: { policy } }
  const store = await openLogged(logOn(fs, WAL), backend, { ...MODES[mode], codec: 'none', ...gc })
  for (const key of stable) await store.put(key, text(1500))
  await store.put('drop', text(100))
  await store.flush()
  return { fs, store, backend }
}

/** Writes the same few keys over and over. */
async function overwriteUntil(store: Store, isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 1; !(await isDone()); i++) {
    // A sweep beside other work rests for up to a quarter of a second where its chunk took long.
    if (i > 100_000) throw new Error('It did not happen')
    await store.put(`k${i % 5}`, noise(500, i))
    // A sweep in the background takes a timer's turn now and then.
    if (i % 10 === 0) await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** The first snapshot may have been under way before. */
async function untilSnapshots(store: Store, also = () => {}): Promise<void> {
  for (let snapshots = 0; snapshots < 2; snapshots++) {
    const before = store.stats().wal!.segmentsDeleted
    await overwriteUntil(store, () => {
      also()
      return store.stats().wal!.segmentsDeleted > before
    })
  }
}

/** What another process finds in the log, and the codecs that values have in it. */
async function afterKill(fs: CrashableFileSystem) {
  const backend = memoryLevel()
  const store = await openLogged(logOn(killed(fs), WAL), backend, { codec: 'none' })
  const codecs = new Set<number>()
  for (const key of stable) codecs.add((await envelopeOf(backend, key)).codecId)
  const found = await contents(store)
  await store.close()
  return { found, codecs: [...codecs] }
}

describe.each(['write-back', 'logged'] as const)('a snapshot in the log of a %s store', mode => {
  it('has what the policy that was given makes of the values', async () => {
    const { fs, store, backend } = await opened(mode, new Lz4Gc())
    await overwriteUntil(store, async () => (await envelopeOf(backend, stable.at(-1)!)).codecId === CODEC_ID.lz4)
    await untilSnapshots(store)
    const { found, codecs } = await afterKill(fs)
    expect(codecs).toEqual([CODEC_ID.lz4])
    expect(found).toEqual(await contents(store))
    await store.close()
  })

  it('has that as well if short sessions have made it due', async () => {
    const { fs, store } = await opened(mode, undefined)
    await store.close()
    const options = { ...MODES[mode], codec: 'none', gc: { policy: new Lz4Gc() } } as const
    for (let i = 0; i < 70; i++) {
      const session = await openLogged(logOn(fs, { ...WAL, segmentBytes: 1e6 }), memoryLevel(), options)
      await session.put('k', noise(50, 2 * i))
      await session.flush()
      while (session.gc.isRunning) await new Promise(resolve => setTimeout(resolve, 2))
      await session.put('k', noise(50, 2 * i + 1))
      await session.close()
    }
    expect((await afterKill(fs)).codecs).toEqual([CODEC_ID.lz4])
  })

  it('has them as they were stored where no policy was given', async () => {
    const { fs, store } = await opened(mode, undefined)
    await untilSnapshots(store)
    const { found, codecs } = await afterKill(fs)
    expect(codecs).toEqual([CODEC_ID.none])
    expect(found).toEqual(await contents(store))
    expect(store.gc.lastReport).toBeUndefined()
    await store.close()
  })

  it('has nothing of what the policy drops, which nobody sees before either', async () => {
    const { fs, store } = await opened(mode, {
      process: ({ key }) => ({ action: key.toString() === 'drop' ? 'drop' : 'keep' })
    })
    await overwriteUntil(store, async () => !(await store.has('drop')))
    await untilSnapshots(store)
    expect((await afterKill(fs)).found).toEqual(await contents(store))
    await store.close()
  })

  it('is made though the policy fails', async () => {
    const { fs, store } = await opened(mode, {
      process: () => {
        throw new Error('broken')
      }
    })
    await overwriteUntil(store, () => store.gc.lastReport !== undefined)
    await untilSnapshots(store)
    expect(store.gc.lastReport).toMatchObject({ lastError: { message: 'broken' } })
    expect((await afterKill(fs)).found).toEqual(await contents(store))
    await store.close()
  })

  it('does not wait for a policy that takes too long: the log stays bounded', async () => {
    const gate = new Gate()
    const { fs, store } = await opened(mode, {
      process: async () => {
        await gate.wait()
        return { action: 'keep' }
      }
    })
    await untilSnapshots(store)
    let most = 0
    await untilSnapshots(store, () => void (most = Math.max(most, bytesOn(fs))))
    expect(gate.arrivals).toBeGreaterThan(0)
    expect(store.gc.isRunning).toBe(true)
    expect(most).toBeLessThan(3 * STABLE * 1500 * 1.1 + 2 * WAL.segmentBytes! + 32_000)
    expect((await afterKill(fs)).found).toEqual(await contents(store))
    gate.open()
    await store.close()
  })
})
