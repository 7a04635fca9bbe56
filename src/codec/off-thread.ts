/** Threads that libuv starts, unless this variable says otherwise. */
export const THREADS = Math.max(1, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 1)
/**
 * Codec calls under way at once, in the whole process. One thread is left alone: the backend's reads and writes run on the same
 * pool, and so does all that the process does with files. With twice as many calls as threads, puts of 2 MiB with LZ4 would be 8 % faster
 * here, and gets beside them would take 16 ms instead of 2.7.
 */
const MAX_CALLS = Math.max(1, THREADS - 1)
/** Bytes that calls of one kind may hold between them. One larger call is let in alone. */
const MAX_BYTES = 64 * 1024 * 1024

/** Runs `work`, which holds about `bytes` bytes while it runs, as soon as the bounds allow. */
export type OffThread = <T>(bytes: number, work: () => Promise<T>) => Promise<T>

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/** Calls of one kind: first come, first served, with memory of their own. */
interface Lane {
  bytesInFlight: number
  callsInFlight: number
  queue: Waiting[]
  head: number
}

let calls = 0
const lanes: Lane[] = []
let lastStarted: Lane | undefined

/**
 * Each kind has memory of its own, so that neither waits for what the other holds. Where both wait for a thread they take turns: a steady stream
 * of one kind would otherwise keep the other waiting for as long as it lasts.
 */
export const restoring = newLane()
export const compressing = newLane()

function newLane(): OffThread {
  const lane: Lane = { bytesInFlight: 0, callsInFlight: 0, queue: [], head: 0 }
  lanes.push(lane)
  return async (bytes, work) => {
    if (!waits(lane) && fits(lane, bytes)) take(lane, bytes)
    else await new Promise<void>(start => lane.queue.push({ bytes, start }))
    try {
      return await work()
    } finally {
      calls--
      lane.callsInFlight--
      lane.bytesInFlight -= bytes
      for (let next = nextLane(); next !== undefined; next = nextLane()) startFirst(next)
    }
  }
}

function waits(lane: Lane): boolean {
  return lane.head < lane.queue.length
}

function fits(lane: Lane, bytes: number): boolean {
  return calls < MAX_CALLS && (lane.callsInFlight === 0 || lane.bytesInFlight + bytes <= MAX_BYTES)
}

function take(lane: Lane, bytes: number): void {
  calls++
  lane.callsInFlight++
  lane.bytesInFlight += bytes
  lastStarted = lane
}

/** The lane whose first waiting call may start; of two, the one that did not start the last call. */
function nextLane(): Lane | undefined {
  const ready = lanes.filter(lane => waits(lane) && fits(lane, lane.queue[lane.head]!.bytes))
  return ready.find(lane => lane !== lastStarted) ?? ready[0]
}

function startFirst(lane: Lane): void {
  const { bytes, start } = lane.queue[lane.head++]!
  take(lane, bytes)
  start()
  if (lane.head < lane.queue.length / 2) return
  lane.queue = lane.queue.slice(lane.head)
  lane.head = 0
}
