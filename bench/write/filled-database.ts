import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { inFlight } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { type Cost, costOf } from '../harness/main-thread.js'
import { median } from '../harness/median.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { BARE, STORE, type WriteContender } from './contenders.js'
import { IN_FLIGHT, type Values, valuesOf, valuesText } from './records.js'

const FEW = 10_000
const QUICK_MANY = 100_000
const FULL_MANY = 1_000_000
const PUTS = 20_000
const ROUNDS = 2
const BATCH = 1000
/** The most for a put into many entries, over one into few. */
const BAR = 1.5

/** A database that was filled and closed. Every round gets a copy of it. */
interface Filled {
  readonly contender: WriteContender
  readonly entries: number
  readonly location: string
  /** The first `entries` keys are in it; the others are put. */
  readonly keys: readonly string[]
}

/** Measures whether a put costs more if there are more entries already. */
export async function benchFilledDatabase(report: Report, corpus: string | undefined, full: boolean): Promise<void> {
  const values = valuesOf(corpus)
  const many = full ? FULL_MANY : QUICK_MANY
  report.section(
    `Puts of 1 KiB into a classic-level that holds ${countText(FEW)} and ${countText(many)} entries`,
    ...(full ? [] : ['With --full it holds a million.']),
    `${countText(PUTS)} puts, ${IN_FLIGHT} in flight, of ${valuesText(values)}; new keys between those that are there.`,
    `µs for one put, of the main thread and by the clock, with flush and close; each round has a copy of the filled database, ${ROUNDS} rounds`,
    'in turns, medians. No fsync is waited for.'
  )
  await inTemporaryDirectory(async directory => {
    const all: Filled[] = []
    for (const contender of [STORE, BARE]) {
      for (const entries of [FEW, many]) {
        const location = join(directory, `${contender.name}-${entries}`)
        const filled = { contender, entries, location, keys: shuffledKeys(entries + PUTS, 9) }
        await fill(filled, values)
        all.push(filled)
      }
    }
    const rounds = await alternate(ROUNDS, all, filled => putMore(filled, values))
    const main = rounds.map(costs => costs.map(({ mainThread }) => mainThread))
    report.line('')
    report.table(
      ['', 'entries', 'main µs', 'wall µs', 'main, many / few'],
      all.map(({ contender, entries }, i) => {
        const cost = { mainThreadUs: median(main[i]!), wallUs: median(rounds[i]!.map(({ wall }) => wall)) }
        report.record('write filled', { contender: contender.name, entries, puts: PUTS, ...cost })
        const over = i % 2 === 1 ? ratioText(medianQuotient(main[i]!, main[i - 1]!)) : ''
        return [contender.name, countText(entries), threeDigits(cost.mainThreadUs), threeDigits(cost.wallUs), over]
      })
    )
    report.line('')
    const what = `main thread of a put, ${countText(many)} / ${countText(FEW)} entries there`
    report.bar(what, medianQuotient(main[1]!, main[0]!), '<=', BAR)
  })
}

async function fill({ contender, entries, location, keys }: Filled, values: Values): Promise<void> {
  const database = contender.create(location)
  await database.open()
  for (let from = 0; from < entries; from += BATCH) {
    const batch = keys.slice(from, Math.min(from + BATCH, entries))
    await database.batch(batch.map((key, i) => ({ type: 'put', key, value: values.at(from + i) })))
  }
  await database.close()
}

async function putMore({ contender, entries, location, keys }: Filled, values: Values): Promise<Cost> {
  return inTemporaryDirectory(async directory => {
    await cp(location, directory, { recursive: true })
    const database = contender.create(directory)
    await database.open()
    return costOf(PUTS, async () => {
      await inFlight(PUTS, IN_FLIGHT, i => database.put(keys[entries + i]!, values.at(i)))
      await database.flush?.()
      await database.close()
    })
  })
}
