import { describe, expect, it } from 'vitest'
import type { Store } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { DEATHS, type Death, lossesAt, PermanentMachine, TINY, until } from '../../fault/write-back/machine.js'
import { blobsIn, bytesOf, CHUNK, inPieces, keyCounts } from './blob-stores.js'

/** Versions of two blobs, each of them another number of chunks. */
const VERSIONS = [3, 1, 5, 0, 4].map((chunks, i) => Buffer.concat([text(chunks * CHUNK), noise(i, i + 1)]))

type State = Record<string, Buffer | undefined>

/** What is there: at least what `durable` says, or what the call under way would have made of it. */
interface Expected {
  durable: State
  underWay: State
}

const log = { segmentBytes: 20_000, blockBytes: 4096 }

async function workload(store: Store, expected: Expected): Promise<void> {
  const blobs = blobsIn(store)
  const change = async (key: string, bytes: Buffer | undefined, act: () => Promise<unknown>) => {
    expected.underWay = { ...expected.durable, [key]: bytes }
    await act()
    expected.durable = expected.underWay
  }
  for (const [i, bytes] of VERSIONS.entries()) {
    const key = `k${i % 2}`
    await change(key, bytes, () => blobs.putBlob(key, inPieces(bytes, 900)))
  }
  await change('k0', undefined, () => blobs.deleteBlob('k0'))
  await change('k1', VERSIONS[2], () => blobs.putBlob('k1', VERSIONS[2]!))
}

async function found(store: Store): Promise<State> {
  const state: State = {}
  for (const key of ['k0', 'k1']) {
    const stream = await blobsIn(store).getBlob(key)
    state[key] = stream && (await bytesOf(stream))
  }
  return state
}

function same(one: State, other: State): boolean {
  return ['k0', 'k1'].every(key =>
    one[key] === undefined ? other[key] === undefined : other[key] !== undefined && one[key].equals(other[key])
  )
}

async function crashed(memtable: typeof TINY | undefined, death?: Death) {
  const machine = new PermanentMachine()
  const expected: Expected = { durable: {}, underWay: {} }
  const died = await until(machine, death, async open => {
    const store = await open({ wal: log, ...(memtable === undefined ? {} : { memtable }) })
    await workload(store, expected)
    if (!machine.isDead()) await store.close()
  })
  return { machine, expected, died }
}

/** Every backend call; of the calls that change a file of the log one in so many. */
const STRIDES: Record<Death['at'], number> = { file: 5, backend: 1 }

describe('a crash', () => {
  it.each(DEATHS)(
    '$when any $at call leaves the old blob or the new one, whole, and no garbage for long',
    async how => {
      let step = 1 + DEATHS.indexOf(how)
      for (; ; step += STRIDES[how.at]) {
        const { machine, expected, died } = await crashed(TINY, { ...how, step })
        if (!died) break
        for (const loss of lossesAt(step)) {
          const store = await machine.afterPowerCut(loss).open({ wal: log })
          const state = await found(store)
          const at = `step ${step}, ${JSON.stringify(loss)}`
          expect(same(state, expected.durable) || same(state, expected.underWay), `at ${at}`).toBe(true)
          // The next put finds what was left.
          await blobsIn(store).putBlob('k2', text(CHUNK))
          const chunks = [...Object.values(state), text(CHUNK)].map(bytes => Math.ceil((bytes?.length ?? 0) / CHUNK))
          const counts = {
            m: Object.values(state).filter(Boolean).length + 1,
            c: chunks.reduce((a, b) => a + b, 0),
            g: 0
          }
          expect(await keyCounts(store), `at ${at}`).toEqual(counts)
          await store.close()
        }
      }
      expect(step).toBeGreaterThan(12)
    }
  )
})
