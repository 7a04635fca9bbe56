import { median } from '../harness/median.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { askChild } from '../wal/child.js'
import type { EventLoopReply, EventLoopRequest } from './event-loop-child.js'
import { EVENT_LOOP_LOADS, type EventLoopLoad } from './event-loop-loads.js'

const CHILD = new URL('./event-loop-child.js', import.meta.url)
/** The most, over bare. */
const P99_BAR = 1.2
/** The most ms. */
const LONGEST_BAR = 30

/** Measures how long timers and sockets wait while a lot is written. */
export async function benchEventLoop(report: Report, corpus: string | undefined): Promise<void> {
  const rounds = EVENT_LOOP_LOADS.map(load => `${load.rounds} of ${load.name}`).join(', ')
  report.section(
    'Event loop delay while writing to classic-level without a pause',
    'monitorEventLoopDelay({ resolution: 1 }), from the first put until the database is closed; each run in a process of its own, in',
    `turns: ${rounds}. Medians, and the longest of all rounds. Default options except for the codec; no fsync is waited for.`,
    "'a second': both are given as many puts per second as bare reached, so that the load is the same."
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const load of EVENT_LOOP_LOADS) {
    const unthrottled = await runLoad(load, corpus)
    rows.push(...rowsOf(report, load.name, load, unthrottled))
    bars.push(() => printBars(report, load.name, unthrottled))
    if (load.paced !== true) continue
    const putsPerSecond = Math.round(median(of(unthrottled.bare, 'putsPerSecond')))
    const same = await runLoad(load, corpus, putsPerSecond)
    const name = `${load.name}, ${putsPerSecond} a second`
    rows.push(...rowsOf(report, name, load, same))
    bars.push(() => printBars(report, name, same))
  }
  report.line('')
  report.table(['', 'p99 ms', '/ bare', 'longest ms', 'of all rounds', 'puts/s'], rows)
  report.line('')
  for (const print of bars) print()
}

interface Sides {
  readonly store: readonly EventLoopReply[]
  readonly bare: readonly EventLoopReply[]
}

async function runLoad({ id, rounds }: EventLoopLoad, corpus: string | undefined, putsPerSecond?: number) {
  const [store, bare] = await alternate(rounds, ['store', 'bare'] as const, contender => {
    const request: EventLoopRequest = {
      load: id,
      contender,
      corpus: corpus ?? null,
      ...(putsPerSecond && { putsPerSecond })
    }
    return askChild<EventLoopReply>(CHILD, [], request)
  })
  return { store: store!, bare: bare! }
}

function rowsOf(report: Report, load: string, { store: storeName }: EventLoopLoad, { store, bare }: Sides): string[][] {
  return [
    { name: storeName, replies: store, over: ratioText(p99OverBare({ store, bare })) },
    { name: 'bare', replies: bare, over: '' }
  ].map(({ name, replies, over }) => {
    const figures = {
      p99Ms: median(of(replies, 'p99Ms')),
      maxMs: median(of(replies, 'maxMs')),
      longestMs: Math.max(...of(replies, 'maxMs')),
      putsPerSecond: median(of(replies, 'putsPerSecond'))
    }
    report.record('write event loop', { load, contender: name, ...figures })
    const { p99Ms, maxMs, longestMs, putsPerSecond } = figures
    return [
      `${load}, ${name}`,
      threeDigits(p99Ms),
      over,
      threeDigits(maxMs),
      threeDigits(longestMs),
      countText(putsPerSecond)
    ]
  })
}

function printBars(report: Report, load: string, sides: Sides): void {
  report.bar(`event loop delay, ${load}, p99 / bare`, p99OverBare(sides), '<=', P99_BAR)
  report.bar(`event loop delay, ${load}, longest ms`, median(of(sides.store, 'maxMs')), '<=', LONGEST_BAR)
}

function p99OverBare({ store, bare }: Sides): number {
  return medianQuotient(of(store, 'p99Ms'), of(bare, 'p99Ms'))
}

function of(replies: readonly EventLoopReply[], what: keyof EventLoopReply): number[] {
  return replies.map(reply => reply[what])
}
