import { median } from '../harness/median.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { askChild } from '../wal/child.js'
import { EVENT_LOOP_LOADS, type EventLoopLoad } from './event-loop-loads.js'
import type { EventLoopReply, EventLoopRequest } from './event-loop-child.js'

const CHILD = new URL('./event-loop-child.js', import.meta.url)
/** Over bare. */
const P99_BAR = 1.2
/** ms. */
const LONGEST_BAR = 30

/** How long timers and sockets wait while a lot is written. */
export async function benchEventLoop(report: Report, corpus: string | undefined): Promise<void> {
  const rounds = EVENT_LOOP_LOADS.map(load => `${load.rounds} of ${load.name}`).join(', ')
  report.section(
    'Event loop delay while writing to classic-level without a pause',
    'monitorEventLoopDelay({ resolution: 1 }), from the first put until the database is closed; each run in a process of its own, in',
    `turns: ${rounds}. Medians, and the longest of all rounds. Default options but for the codec; no fsync is waited for.`
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const load of EVENT_LOOP_LOADS) {
    const [ours, bare] = (await alternate(load.rounds, ['store', 'bare'] as const, contender =>
      askChild<EventLoopReply>(CHILD, [], request(load, contender, corpus))
    )) as [EventLoopReply[], EventLoopReply[]]
    const over = medianQuotient(of(ours, 'p99Ms'), of(bare, 'p99Ms'))
    const longest = median(of(ours, 'maxMs'))
    for (const [name, replies] of [
      [load.store, ours],
      ['bare', bare]
    ] as const) {
      const figures = {
        p99Ms: median(of(replies, 'p99Ms')),
        maxMs: median(of(replies, 'maxMs')),
        longestMs: Math.max(...of(replies, 'maxMs')),
        putsPerSecond: median(of(replies, 'putsPerSecond'))
      }
      report.record('write event loop', { load: load.name, contender: name, ...figures })
      rows.push([
        `${load.name}, ${name}`,
        threeDigits(figures.p99Ms),
        replies === ours ? ratioText(over) : '',
        threeDigits(figures.maxMs),
        threeDigits(figures.longestMs),
        countText(figures.putsPerSecond)
      ])
    }
    bars.push(() => {
      report.bar(`event loop delay, ${load.name}, p99 / bare`, over, '<=', P99_BAR)
      report.bar(`event loop delay, ${load.name}, longest ms`, longest, '<=', LONGEST_BAR)
    })
  }
  report.line('')
  report.table(['', 'p99 ms', '/ bare', 'longest ms', 'of all rounds', 'puts/s'], rows)
  report.line('')
  for (const print of bars) print()
}

function request({ id }: EventLoopLoad, contender: 'store' | 'bare', corpus: string | undefined): EventLoopRequest {
  return { load: id, contender, corpus: corpus ?? null }
}

function of(replies: readonly EventLoopReply[], what: keyof EventLoopReply): number[] {
  return replies.map(reply => reply[what])
}
