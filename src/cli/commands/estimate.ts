import { type CommonOptions, type Context, withBar } from '../context.js'
import { entriesOf, look } from '../database/look.js'
import { withTemporaryDirectory } from '../database/temporary.js'
import { EXIT, Failure } from '../failure.js'
import { bytes, counted, table } from '../table.js'
import { advise, type Expectation, expect } from './estimate-advice.js'
import { type Candidate, candidatesFor } from './estimate-candidates.js'
import { type Sample, takeSample } from './estimate-sample.js'
import { Trials } from './estimate-trial.js'

interface EstimateOptions extends CommonOptions {
  /** Bytes of keys and values. */
  readonly sample: number
  readonly try?: readonly string[]
}

interface Estimate {
  readonly sample: Sample
  readonly bytesNow: number
  readonly bare: Expectation
  readonly others: readonly Expectation[]
  readonly best: Expectation | undefined
}

export async function estimate(
  context: Context,
  location: string,
  { sample: maxBytes, try: asked = [], wal, json }: EstimateOptions
): Promise<number> {
  const { output, signal } = context
  candidatesFor(asked, []) // Throws for wrong ones before the work begins.
  const { taken, guarded, bytesNow } = await look(location, { wal, settle: true }, async looked => ({
    taken: await withBar(context, 'Sampling', bar => takeSample(entriesOf(looked, bar, signal), maxBytes)),
    guarded: looked.marker === undefined || looked.marker.guarded,
    bytesNow: looked.sizes.tables + looked.sizes.others
  }))
  if (taken.bytes === 0)
    throw new Failure(`${location} holds no values, or an empty one only: there is nothing to estimate`)
  const candidates = candidatesFor(
    asked,
    taken.entries.map(({ value }) => value.length)
  )
  const { bare, others } = await tried(context, taken, guarded, candidates)
  const found = { sample: taken, bytesNow, bare, others, best: advise(bare, others) }
  if (json) output.json(asJson(found))
  else output.lines(shown(found))
  return EXIT.ok
}

async function tried(
  context: Context,
  { entries, bytes: sampled, totalBytes }: Sample,
  guarded: boolean,
  candidates: readonly Candidate[]
): Promise<{ bare: Expectation; others: Expectation[] }> {
  const share = sampled / totalBytes
  return withTemporaryDirectory(undefined, directory =>
    withBar(context, 'Trying', async bar => {
      const trials = new Trials(directory, entries, guarded, context.signal)
      await trials.warmUp()
      const bare = expect(await trials.bare(), share)
      const others: Expectation[] = []
      for (const [i, candidate] of candidates.entries()) {
        bar.done(i + 1)
        others.push(expect(await trials.of(candidate, i), share))
      }
      return { bare, others }
    })
  )
}

function asJson({ sample, bytesNow, bare, others, best }: Estimate): object {
  const { totalValues, totalBytes, entries } = sample
  return {
    values: totalValues,
    bytesRaw: totalBytes,
    bytesNow,
    sample: { values: entries.length, bytes: sample.bytes },
    candidates: [bare, ...others].map(({ candidate, expected, microsecondsPerPut, microsecondsPerGet }) => ({
      name: candidate.name,
      options: candidate.options,
      expectedBytes: expected,
      ratio: expected / totalBytes,
      microsecondsPerPut,
      microsecondsPerGet
    })),
    advice: best === undefined ? 'stay on Snappy' : best.candidate.options
  }
}

function shown({ sample, bytesNow, bare, others, best }: Estimate): string[] {
  const { totalBytes, totalValues, entries } = sample
  return [
    `${counted(totalValues, 'value')}, ${bytes(totalBytes)} with their keys; now ${bytes(bytesNow)} on disk. ` +
      `Sampled: ${counted(entries.length, 'value')}, ${bytes(sample.bytes)}`,
    '',
    ...table(
      [
        ['', 'on disk', 'of bare', 'µs a put', 'µs a get', 'options'],
        ...[bare, ...others].map(({ candidate, expected, microsecondsPerPut, microsecondsPerGet }) => [
          candidate.name,
          bytes(expected),
          (expected / bare.expected).toFixed(2),
          microsecondsPerPut.toFixed(1),
          microsecondsPerGet.toFixed(1),
          candidate.options
        ])
      ],
      [0, 5]
    ),
    '',
    best === undefined
      ? 'Stay on Snappy: no setting that was tried saves 5 % of what LevelDB takes by itself.'
      : `new CompressedKvStore(level, ${best.candidate.options}) takes ` +
        `${(best.expected / bare.expected).toFixed(2)} of what LevelDB takes by itself, once every value is written anew.`
  ]
}
