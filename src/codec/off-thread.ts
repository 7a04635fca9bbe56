import { Fifo } from '../fifo.js'
import type { Codec } from './codec.js'

/** How many threads libuv starts: 4, unless this variable says otherwise. */
export const THREADS = Math.max(1, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 1)
/**
 * The most codec calls under way at once, in the whole process. One thread is left free: the backend's reads and writes run in the same pool, and so
 * does everything that the process does with files. With twice as many calls as threads, puts of 2 MiB with LZ4 would be 8 % faster, but gets beside
 * them would take 16 ms instead of 2.7.
 */
const MAX_CALLS = Math.max(1, THREADS - 1)
/** The most bytes that calls of one kind may hold together. A single call may hold more. */
const MAX_BYTES = 64 * 1024 * 1024

/** Runs `work`, which holds about `bytes` bytes while it runs, as soon as the bounds allow. */
export type OffThread = <T>(bytes: number, work: () => Promise<T>) => Promise<T>

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/** Calls of one kind, first come, first served. Each kind has a limit of memory of its own. */
interface Kind {
  bytesInFlight: number
  callsInFlight: number
  readonly waiting: Fifo<Waiting>
}

let calls = 0
const kinds: Kind[] = []
let lastStarted: Kind | undefined

/**
 * Each kind has a limit of its own, so that it never waits for memory that the other holds. If calls of both wait for a thread, they take turns:
 * otherwise a steady stream of one kind would keep the other waiting as long as it lasts.
 */
export const restoring = newKind()
export const compressing = newKind()

/**
 * Compresses off the main thread. A call counts with the length of the data, as much again for the result, and the codec's `workingBytes`.
 */
export function compressOffThread(codec: Codec, raw: Uint8Array): Promise<Uint8Array> {
  return compressing(2 * raw.length + (codec.workingBytes ?? 0), () => codec.compress(raw))
}

function newKind(): OffThread {
  const kind: Kind = { bytesInFlight: 0, callsInFlight: 0, waiting: new Fifo() }
  kinds.push(kind)
  return async (bytes, work) => {
    if (kind.waiting.length === 0 && fits(kind, bytes)) take(kind, bytes)
    else await new Promise<void>(start => kind.waiting.push({ bytes, start }))
    try {
      return await work()
    } finally {
      calls--
      kind.callsInFlight--
      kind.bytesInFlight -= bytes
      for (let next = nextKind(); next !== undefined; next = nextKind()) startFirst(next)
    }
  }
}

function fits(kind: Kind, bytes: number): boolean {
  return calls < MAX_CALLS && (kind.callsInFlight === 0 || kind.bytesInFlight + bytes <= MAX_BYTES)
}

function take(kind: Kind, bytes: number): void {
  calls++
  kind.callsInFlight++
  kind.bytesInFlight += bytes
  lastStarted = kind
}

/** The kind whose first waiting call may start; of two, the one that did not start the last call. */
function nextKind(): Kind | undefined {
  const ready = kinds.filter(kind => kind.waiting.first !== undefined && fits(kind, kind.waiting.first.bytes))
  return ready.find(kind => kind !== lastStarted) ?? ready[0]
}

function startFirst(kind: Kind): void {
  const { bytes, start } = kind.waiting.shift()
  take(kind, bytes)
  start()
}
