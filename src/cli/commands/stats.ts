import { type CommonOptions, type Context, withBar } from '../context.js'
import { entriesOf, type Look, look } from '../database/look.js'
import { jsonBytes } from '../entry-lines.js'
import { EXIT } from '../failure.js'
import { bytes, count, counted, ratio, table } from '../table.js'
import { shownKey } from '../text.js'
import { type Sum, Tally } from './stats-tally.js'

export async function stats(context: Context, location: string, { wal, json }: CommonOptions): Promise<number> {
  const { output, signal } = context
  return look(location, { wal, settle: true }, async looked => {
    const tally = new Tally()
    await withBar(context, 'Counting', async bar => {
      for await (const entry of entriesOf(looked, bar, signal)) tally.add(entry)
    })
    if (json) output.json(asJson(looked, tally))
    else output.lines(shown(looked, tally))
    return EXIT.ok
  })
}

function asJson({ marker, sizes }: Look, tally: Tally): object {
  const { total } = tally
  const sweep = marker?.sweep && { policy: marker.sweep.policyId, lastKey: jsonBytes(marker.sweep.lastKey) }
  return {
    values: total.values,
    bytesRaw: total.raw,
    bytesStored: total.stored,
    bytesOfKeys: tally.keyBytes,
    bytesOfTables: sizes.tables,
    ...tally.counts,
    byCodec: listed(tally.byCodec, 'codec'),
    byPrefix: listed(tally.byPrefix, 'prefix'),
    bySize: tally.bySize.map(({ below, values }) => ({ below: Number.isFinite(below) ? below : null, values })),
    log: { segments: sizes.segments.length, bytes: logBytes(sizes) },
    marker: marker === undefined ? null : { ...marker, sweep: sweep ?? null }
  }
}

function listed(all: ReadonlyMap<string, Sum>, name: string): object[] {
  return sorted(all).map(([of, { values, raw, stored }]) => ({
    [name]: of,
    values,
    bytesRaw: raw,
    bytesStored: stored
  }))
}

/** The largest first. */
function sorted(all: ReadonlyMap<string, Sum>): [string, Sum][] {
  return [...all].sort(([, a], [, b]) => b.raw - a.raw)
}

/** With `--json` all prefixes are shown. */
const MAX_SHOWN_PREFIXES = 20

function shown({ marker, sizes }: Look, tally: Tally): string[] {
  const { total, counts } = tally
  return [
    `${counted(total.values, 'value')}: ${Object.entries(counts)
      .map(([name, number]) => `${count(number)} ${name}`)
      .join(', ')}`,
    `values ${bytes(total.raw)} raw, ${bytes(total.stored)} stored (${ratio(total.stored, total.raw)}); ` +
      `keys ${bytes(tally.keyBytes)}; tables on disk ${bytes(sizes.tables)}`,
    '',
    ...sums('codec', sorted(tally.byCodec)),
    '',
    ...sums('prefix', sorted(tally.byPrefix).slice(0, MAX_SHOWN_PREFIXES)),
    ...(tally.byPrefix.size > MAX_SHOWN_PREFIXES ? [`… ${tally.byPrefix.size} prefixes in all: see --json`] : []),
    '',
    ...histogram(tally),
    '',
    `log: ${counted(sizes.segments.length, 'segment')}, ${bytes(logBytes(sizes))}`,
    markerLine(marker)
  ]
}

function logBytes({ segments }: Look['sizes']): number {
  return segments.reduce((sum, segment) => sum + segment.bytes, 0)
}

function sums(name: string, entries: readonly [string, Sum][]): string[] {
  return table([
    [name, 'values', 'raw', 'stored', 'ratio'],
    ...entries.map(([of, { values, raw, stored }]) => [
      shownKey(Buffer.from(of)),
      count(values),
      bytes(raw),
      bytes(stored),
      ratio(stored, raw)
    ])
  ])
}

const BAR_CHARACTERS = 30

function histogram({ bySize }: Tally): string[] {
  const most = Math.max(1, ...bySize.map(({ values }) => values))
  return table(
    bySize.map(({ below, values }, i) => [
      below === Infinity ? `from ${bytes(bySize[i - 1]!.below)}` : `below ${bytes(below)}`,
      count(values),
      '#'.repeat(Math.ceil((values / most) * BAR_CHARACTERS))
    ]),
    [0, 2]
  )
}

function markerLine(marker: Look['marker']): string {
  if (marker === undefined) return 'marker: none, no store has written here'
  const { guarded, plainValues, ttlUsed, logDirty, applied, sweep, unwrapping } = marker
  return `marker: ${[
    guarded ? 'wrapped with plain values in it, so envelopes are guarded' : 'wrapped while it was empty',
    ...(plainValues ? ['plain values may be left'] : []),
    ...(ttlUsed ? ['a time to live was used'] : []),
    logDirty ? 'the log may have writes that the database lacks' : 'the database has all writes',
    ...(applied > 0 ? [`records of the log are applied up to ${applied}`] : []),
    ...(sweep ? [`a sweep (${sweep.policyId}) has come to ${shownKey(sweep.lastKey)}`] : []),
    ...(unwrapping ? ['half unwrapped'] : [])
  ].join(', ')}`
}
