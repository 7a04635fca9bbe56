import type { Store } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { blobsIn, bytesOf, CHUNK, inPieces, keyCounts } from './blob-stores.js'

/** Versions of two blobs, most of them another number of chunks. */
const VERSIONS = [3, 1, 5, 0, 4].map((chunks, i) => Buffer.concat([text(chunks * CHUNK), noise(i, i + 1)]))
const KEYS = ['k0', 'k1']

/** The bytes of each blob. */
type State = Record<string, Buffer | undefined>

/** Puts and deletes in a store that may die under them; what another finds is held against them. */
export class CrashWorkload {
  #durable: State = {}
  /** What the call that has not resolved makes of it. */
  #underWay: State = {}

  async run(store: Store): Promise<void> {
    const blobs = blobsIn(store)
    for (const [i, bytes] of VERSIONS.entries()) {
      const key = KEYS[i % 2]!
      await this.#change(key, bytes, () => blobs.putBlob(key, inPieces(bytes, 900)))
    }
    await this.#change('k0', undefined, () => blobs.deleteBlob('k0'))
    await this.#change('k1', VERSIONS[2], () => blobs.putBlob('k1', VERSIONS[2]!))
  }

  /** What is wrong with what a store has, if anything. */
  async wrongIn(store: Store): Promise<string | undefined> {
    const found = await stateOf(store)
    if (!same(found, this.#durable) && !same(found, this.#underWay)) return `blobs of ${lengths(found)} bytes`
    // The next put finds what was left.
    await blobsIn(store).putBlob('another', text(CHUNK))
    const all = [...Object.values(found), text(CHUNK)].filter(bytes => bytes !== undefined)
    const chunks = all.reduce((sum, bytes) => sum + Math.ceil(bytes.length / CHUNK), 0)
    const [expected, counts] = [{ m: all.length, c: chunks, g: 0 }, await keyCounts(store)].map(c => JSON.stringify(c))
    return counts === expected ? undefined : `keys ${counts} instead of ${expected}`
  }

  async #change(key: string, bytes: Buffer | undefined, act: () => Promise<unknown>): Promise<void> {
    this.#underWay = { ...this.#durable, [key]: bytes }
    await act()
    this.#durable = this.#underWay
  }
}

async function stateOf(store: Store): Promise<State> {
  const state: State = {}
  for (const key of KEYS) {
    const stream = await blobsIn(store).getBlob(key)
    state[key] = stream && (await bytesOf(stream))
  }
  return state
}

function same(one: State, other: State): boolean {
  return KEYS.every(key => {
    const [a, b] = [one[key], other[key]]
    return a === undefined || b === undefined ? a === b : a.equals(b)
  })
}

function lengths(state: State): string {
  return KEYS.map(key => state[key]?.length ?? 'no').join(' and ')
}
