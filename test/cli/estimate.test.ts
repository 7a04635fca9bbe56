import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, zstd } from '../../src/index.js'
import { bare, bareLevel } from './databases.js'
import { ckv, json } from './run.js'

interface Estimate {
  values: number
  sample: { values: number; bytes: number }
  candidates: { name: string; options: string; expectedBytes: number; microsecondsPerPut: number }[]
  advice: string
}

/** Records with words in another order each: neighbours are alike, as in real data. */
function records(count: number, wordsEach: number): [string, Buffer][] {
  let state = 7
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648)
  const words = Array.from({ length: 400 }, () => next().toString(36))
  return Array.from({ length: count }, (_, i) => [
    `doc:${String(i).padStart(6, '0')}`,
    Buffer.from(JSON.stringify(Array.from({ length: wordsEach }, () => words[(next() >> 8) % words.length])))
  ])
}

/** What it takes in truth: every value written anew through a store, then compacted. */
async function realBytes(location: string, level: number): Promise<number> {
  const store = new CompressedKvStore(bareLevel(location), { codec: zstd({ level }), meter: false })
  for (const [key, value] of await store.iterator().all()) await store.put(key, value)
  await store.close()
  const backend = bareLevel(location)
  await backend.open()
  await backend.compactRange('', '\uffff')
  await backend.close()
  const files = readdirSync(location, { withFileTypes: true }).filter(entry => entry.isFile())
  return files.reduce((sum, { name }) => sum + statSync(join(location, name)).size, 0)
}

describe('ckv estimate', () => {
  it('comes within 10 % of the real size, also from a sample, and advises what is smaller', async () => {
    const location = await bare(records(300, 500))
    const argv = ['estimate', location, '--try', 'none', 'zstd:1']
    const [whole, sampled] = [await json<Estimate>(argv), await json<Estimate>([...argv, '--sample', '256k'])]
    expect(whole.sample.values).toBe(300)
    expect(sampled.sample.values).toBeLessThan(100)
    const real = await realBytes(location, 1)
    for (const { candidates, advice } of [whole, sampled]) {
      expect(Math.abs(candidates.at(-1)!.expectedBytes / real - 1)).toBeLessThan(0.1)
      expect(advice).toBe('{ codec: zstd({ level: 1 }) }')
    }
  })

  it('advises to stay on Snappy if nothing is saved, and tries no setting that would compress no value', async () => {
    const location = await bare(records(500, 15))
    const { candidates, advice } = await json<Estimate>(['estimate', location])
    expect(candidates.map(({ name }) => name)).toEqual(['bare (Snappy)', 'none'])
    expect(advice).toBe('stay on Snappy')
    const { out } = await ckv(['estimate', location, '--try', 'none'])
    expect(out).toContain('Stay on Snappy')
  })

  it('fails for a database without values', async () => {
    const { code, err } = await ckv(['estimate', await bare([])])
    expect([code, err.includes('holds no values')]).toEqual([1, true])
  })
})
