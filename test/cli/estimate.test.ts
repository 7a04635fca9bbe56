import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { advise, type Expectation, expect as expectation } from '../../src/cli/commands/estimate-advice.js'
import { BARE, candidatesFor } from '../../src/cli/commands/estimate-candidates.js'
import { takeSample } from '../../src/cli/commands/estimate-sample.js'
import { type Trial, Trials } from '../../src/cli/commands/estimate-trial.js'
import { CompressedKvStore, type StoredEntry, zstd } from '../../src/index.js'
import { text } from '../support/sample-values.js'
import { bare, bareLevel, killed, newLocation, withStore, wrapped } from './databases.js'
import { ckv, json } from './run.js'

interface Estimate {
  values: number
  sample: { values: number; bytes: number }
  bytesRaw: number
  candidates: { name: string; options: string; expectedBytes: number; ratio: number; microsecondsPerPut: number }[]
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

/** How many bytes more than a bare database one of raw values is expected to take. */
async function bytesOfEnvelopes(location: string): Promise<number> {
  const { candidates } = await json<Estimate>(['estimate', location, '--try', 'none'])
  return candidates[1]!.expectedBytes - candidates[0]!.expectedBytes
}

function expected(bytes: number, microsecondsPerPut = 1): Expectation {
  return { candidate: BARE, tables: 0, others: 0, microsecondsPerGet: 1, expected: bytes, microsecondsPerPut }
}

/** 100 entries of 100 bytes each, with key and value; what else they are depends on the number. */
async function* storedEntries(more: (i: number) => Partial<StoredEntry> = () => ({})): AsyncGenerator<StoredEntry> {
  for (let i = 0; i < 100; i++) {
    const key = Buffer.from(String(i).padStart(10, '0'))
    yield { key, storedBytes: 20, opened: opened(), error: undefined, value: () => Buffer.alloc(90, i), ...more(i) }
  }
}

function opened(expiresAt?: number): StoredEntry['opened'] {
  return { rawLength: 90, expiresAt } as StoredEntry['opened']
}

/** Of four entries one cannot be read, one has expired, and one will never expire. */
function withoutMany(i: number): Partial<StoredEntry> {
  if (i % 4 === 0) return { opened: undefined, value: () => Promise.reject(new Error('unreadable')) }
  return i % 4 === 1 ? { opened: opened(1) } : i % 4 === 2 ? { opened: opened(Infinity) } : {}
}

function numbers(taken: { readonly entries: readonly { readonly key: Buffer }[] }): number[] {
  return taken.entries.map(({ key }) => Number(key))
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

  it.each([
    ['without values', []],
    ['whose only value is empty, under the empty key', [['', Buffer.alloc(0)]] as [string, Buffer][]]
  ])('fails for a database %s', async (_, entries) => {
    const { code, err } = await ckv(['estimate', await bare(entries)])
    expect([code, err.includes('nothing to estimate')]).toEqual([1, true])
  })

  it('sees what only the log has, and gives ratios to the bytes of keys and values', async () => {
    const { values, bytesRaw, candidates } = await json<Estimate>(['estimate', await killed(), '--try', 'none'])
    expect(values).toBe(31)
    for (const { expectedBytes, ratio } of candidates) expect(ratio).toBe(expectedBytes / bytesRaw)
  })

  it('expects longer envelopes where there are plain values', async () => {
    const options = { codec: 'none', minSize: 0 } as const
    const small = records(1000, 1)
    const plain = await bare(small)
    const guarded = await bare([['k', Buffer.alloc(0)]])
    await withStore(guarded, options, async store => {
      for (const [key, value] of small) await store.put(key, value)
    })
    const unguarded = await bytesOfEnvelopes(await wrapped(options, small))
    expect(await bytesOfEnvelopes(plain)).toBeGreaterThan(unguarded + 1000)
    expect(await bytesOfEnvelopes(guarded)).toBeGreaterThan(unguarded + 1000)
  })

  it('stops when it is interrupted while it tries settings, and removes what it has written', async () => {
    const location = await bare()
    const abort = new AbortController()
    const prototype: { bare: (this: Trials) => Promise<Trial> } = Trials.prototype
    const { bare: tryBare } = prototype
    using _ = vi.spyOn(prototype, 'bare').mockImplementation(function (this: Trials) {
      abort.abort()
      return tryBare.call(this)
    })
    const { code, err, left } = await ckv(['estimate', location], { signal: abort.signal })
    expect([code, err, left]).toEqual([130, 'ckv: interrupted\n', []])
  })
})

describe('what is advised', () => {
  it('is to use nothing that saves less than 5 %', () => {
    expect(advise(expected(1000), [expected(951)])).toBeUndefined()
    expect(advise(expected(1000), [expected(950)])).toEqual(expected(950))
    expect(advise(expected(1000), [])).toBeUndefined()
  })

  it('is the fastest to write of those that are at most 3 % larger than the smallest', () => {
    const others = [expected(100, 9), expected(104, 1), expected(103, 3), expected(102, 5)]
    expect(advise(expected(1000), others)).toEqual(expected(103, 3))
  })

  it('follows from the tables of the sample, scaled up; other files do not grow', () => {
    expect(expectation({ ...expected(0), tables: 100, others: 50 }, 0.25).expected).toBe(450)
  })
})

describe('the settings that are tried', () => {
  it('are all that are asked for, as options to paste', () => {
    const asked = ['none', 'lz4', 'lz4@1024', 'zstd', 'zstd:9', 'zstd@256', 'zstd:22@512', 'zstd']
    expect(
      candidatesFor(asked, [10]).map(({ name, leastCompressed, minSize, options }) => [
        name,
        leastCompressed,
        minSize,
        options
      ])
    ).toEqual([
      ['none', Infinity, undefined, "{ codec: 'none' }"],
      ['lz4', 4096, undefined, "{ codec: 'lz4' }"],
      ['lz4 minSize 1024', 1024, 1024, "{ codec: 'lz4', minSize: 1024 }"],
      ['zstd:3', 1024, undefined, "{ codec: 'zstd' }"],
      ['zstd:9', 1024, undefined, '{ codec: zstd({ level: 9 }) }'],
      ['zstd:3 minSize 256', 256, 256, "{ codec: 'zstd', minSize: 256 }"],
      ['zstd:22 minSize 512', 512, 512, '{ codec: zstd({ level: 22 }), minSize: 512 }'],
      ['zstd:3', 1024, undefined, "{ codec: 'zstd' }"]
    ])
  })

  it.each(['zstd:0', 'zstd:23', 'none:1', 'lz4:1', 'zstd:', 'zstd@', 'brotli'])('are none for %s', asked => {
    expect(() => candidatesFor([asked], [])).toThrow(/zstd/)
  })

  it.each([
    [[5000], ['none', 'lz4', 'zstd:1', 'zstd:3', 'zstd:9']],
    [
      [1024, 4096],
      ['none', 'lz4', 'lz4 minSize 1024', 'zstd:1', 'zstd:3', 'zstd:9']
    ],
    [
      [512, 1023],
      ['none', 'zstd:3 minSize 512', 'zstd:9 minSize 256']
    ],
    [[255], ['none']]
  ])('are of the usual ones those that differ, for values of %j bytes', (lengths, names) => {
    expect(candidatesFor([], lengths).map(({ name }) => name)).toEqual(names)
  })
})

describe('a sample', () => {
  it('is everything if that is small enough', async () => {
    const taken = await takeSample(storedEntries(), 10_000)
    expect(taken).toMatchObject({ bytes: 10_000, totalBytes: 10_000, totalValues: 100 })
    expect(numbers(taken)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(taken.entries[7]!.value).toEqual(Buffer.alloc(90, 7))
  })

  it('is runs of neighbours at equal distances', async () => {
    // A run has an eighth of what may be taken: 4 entries of 32. Every fourth run remains.
    const taken = await takeSample(storedEntries(), 3200)
    expect(taken).toMatchObject({ bytes: 2800, totalBytes: 10_000, totalValues: 100 })
    expect(numbers(taken)).toEqual([0, 16, 32, 48, 64, 80, 96].flatMap(at => [at, at + 1, at + 2, at + 3]))
  })

  it('has neither values that cannot be read nor those whose time is over', async () => {
    const taken = await takeSample(storedEntries(withoutMany), 10_000)
    expect(taken).toMatchObject({ bytes: 5000, totalBytes: 5000, totalValues: 50 })
    expect(numbers(taken).every(number => number % 4 >= 2)).toBe(true)
  })
})

describe('a trial', () => {
  const ENTRIES = Array.from({ length: 150 }, (_, i) => ({
    key: Buffer.from(`k${i}`),
    value: Buffer.from(text(600)).fill(i, 0, 4)
  }))
  const trials = (directory: string, guarded: boolean) =>
    new Trials(directory, ENTRIES, guarded, new AbortController().signal)

  it('writes every entry, plain or with the options, reads them back, and leaves the database closed', async () => {
    const directory = newLocation()
    const { microsecondsPerGet } = await trials(directory, false).bare()
    const [candidate] = candidatesFor(['zstd@256'], [])
    const small = await trials(directory, false).of(candidate!, 0)
    const [standard] = candidatesFor(['zstd'], [])
    const raw = await trials(directory, false).of(standard!, 1)
    expect(small.tables).toBeLessThan(raw.tables)
    for (const time of [microsecondsPerGet, small.microsecondsPerGet]) expect(time).toBeGreaterThan(0)
    const level = bareLevel(join(directory, 'bare'))
    expect(await level.keys().all()).toHaveLength(150)
    await level.close()
    await withStore(join(directory, '0'), {}, async store => {
      expect(await store.keys().all()).toHaveLength(150)
      expect(await store.get('k99')).toEqual(ENTRIES[99]!.value)
    })
  })
})
