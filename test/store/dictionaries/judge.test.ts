import { describe, expect, it } from 'vitest'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { NO_GUARD } from '../../../src/envelope/guard.js'
import { Dictionaries } from '../../../src/store/dictionaries/dictionaries.js'
import { judge, type Standing } from '../../../src/store/dictionaries/dictionary-judge.js'
import type { SampledValue } from '../../../src/store/dictionaries/small-value-sample.js'
import { SmallValues } from '../../../src/store/dictionaries/small-values.js'
import { documents, keyOf } from '../../support/small-documents.js'

const CODEC = zstd()
/** As many bytes of values as a dictionary of the largest size is for. */
const MANY = 10_000_000

function sampleOf(values: readonly Buffer[]): SampledValue[] {
  return values.map((value, i) => ({ key: Buffer.from(keyOf(i)), value, codec: CODEC }))
}

function judging(small: SmallValues, values: readonly Buffer[], standing?: Standing, seenBytes = MANY) {
  const sealing = { guard: NO_GUARD, mayOmitChecksum: false }
  return judge(sampleOf(values), seenBytes, 1, { small, sealing, overLevelDb: false }, standing)
}

/** A dictionary for documents, in use, and how it stands. */
async function inUse(): Promise<{ small: SmallValues; standing: Standing }> {
  const small = new SmallValues(new Dictionaries(), undefined, 0.1)
  const { best, standing } = await judging(small, documents(600))
  small.current = best
  return { small, standing: standing! }
}

describe('a dictionary in use that is judged again', () => {
  it('is kept without another being trained where it does as well as before', async () => {
    const { small, standing } = await inUse()
    const again = await judging(small, documents(600, 2), standing)
    expect(again.best).toBe(small.current)
    expect(again.judgement.candidateBytes).toBeUndefined()
    expect(again.judgement.currentBytes).toBeLessThan(again.judgement.rawBytes * standing.share * 1.05)
    expect(again.standing).toBe(standing)
  })

  it('has to stand against another where it does worse', async () => {
    const { small, standing } = await inUse()
    const others = Array.from({ length: 600 }, (_, i) => Buffer.from(`<reading unit="kelvin">${i * 7919}</reading>`))
    const again = await judging(small, others, standing)
    expect(again.best).toBeDefined()
    expect(again.best).not.toBe(small.current)
    expect(again.standing!.share).toBe(again.judgement.candidateBytes! / again.judgement.rawBytes)
  })

  it('has to stand against another where that may be larger, or where it was not judged before', async () => {
    const { small, standing } = await inUse()
    for (const before of [{ ...standing, maxBytes: standing.maxBytes / 2 }, undefined]) {
      const again = await judging(small, documents(600, 2), before)
      expect(again.judgement.candidateBytes).toBeGreaterThan(0)
      expect(again.standing!.maxBytes).toBe(standing.maxBytes)
    }
  })
})
