import { monitorEventLoopDelay } from 'node:perf_hooks'
import { shuffledKeys } from '../harness/keys.js'
import { paced } from '../harness/paced.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { BARE, store, type WriteContender } from './contenders.js'
import { EVENT_LOOP_LOADS, type EventLoopLoad } from './event-loop-loads.js'
import { type Values, valuesOf } from './records.js'

export interface EventLoopRequest {
  readonly load: EventLoopLoad['id']
  readonly contender: 'store' | 'bare'
  readonly corpus: string | null
  /** Default: as many as possible. */
  readonly putsPerSecond?: number
}

export interface EventLoopReply {
  readonly p99Ms: number
  readonly maxMs: number
  readonly putsPerSecond: number
}

const NANOSECONDS = 1e6
/** The histogram's first entry is the time since it was enabled: it has to be over before the load begins. */
const SETTLE_MS = 20
/** The share of the load that is run before, into a database that is thrown away: code is slow when it runs for the first time. */
const WARM_UP = 0.1

/** Each run has a process of its own: to collect the garbage of another run would stop this one. */
process.once('message', (request: EventLoopRequest) => {
  void measure(request).then(reply => process.send!(reply))
})

async function measure(request: EventLoopRequest): Promise<EventLoopReply> {
  const { load: id, contender: name, corpus, putsPerSecond = Infinity } = request
  const load = EVENT_LOOP_LOADS.find(known => known.id === id)!
  const { codec } = load
  const contender = name === 'bare' ? BARE : store(load.store, 'classic-level', codec === undefined ? {} : { codec })
  const values = valuesOf(corpus ?? undefined, load.valueBytes)
  await run(contender, { ...load, puts: load.puts * WARM_UP }, values, Infinity)
  return run(contender, load, values, putsPerSecond)
}

async function run(
  { create }: WriteContender,
  load: EventLoopLoad,
  values: Values,
  putsPerSecond: number
): Promise<EventLoopReply> {
  return inTemporaryDirectory(async directory => {
    const keys = shuffledKeys(load.puts, 6)
    const database = create(directory)
    await database.open()
    await database.put('first', values.at(0))
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
    delay.reset()
    const start = performance.now()
    await paced(load.puts, putsPerSecond, load.inFlight, i => database.put(keys[i]!, values.at(i)))
    await database.close()
    const milliseconds = performance.now() - start
    delay.disable()
    return {
      p99Ms: delay.percentile(99) / NANOSECONDS,
      maxMs: delay.max / NANOSECONDS,
      putsPerSecond: (load.puts * 1000) / milliseconds
    }
  })
}
