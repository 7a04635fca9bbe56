/** Threads that libuv starts, unless this variable says otherwise. */
const THREADS = Math.max(1, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 1)
/**
 * Codec calls under way at once, in the whole process. One thread is left alone: the backend's reads and writes run on the same
 * pool, and must not wait behind values of many megabytes.
 */
const MAX_CALLS = Math.max(1, THREADS - 1)
/** Bytes those calls may hold between them. One larger call is let in alone. */
const MAX_BYTES = 64 * 1024 * 1024

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

let calls = 0
let bytesInFlight = 0
let queue: Waiting[] = []
let head = 0

/**
 * Runs `work`, which holds about `bytes` bytes while it runs, as soon as the bounds allow. First come, first served.
 */
export async function offThread<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  if (calls > 0 && !fits(bytes)) await new Promise<void>(start => queue.push({ bytes, start }))
  else take(bytes)
  try {
    return await work()
  } finally {
    calls--
    bytesInFlight -= bytes
    admit()
  }
}

function fits(bytes: number): boolean {
  return head === queue.length && calls < MAX_CALLS && bytesInFlight + bytes <= MAX_BYTES
}

function take(bytes: number): void {
  calls++
  bytesInFlight += bytes
}

function admit(): void {
  while (head < queue.length) {
    const next = queue[head]!
    if (calls > 0 && (calls >= MAX_CALLS || bytesInFlight + next.bytes > MAX_BYTES)) break
    head++
    take(next.bytes)
    next.start()
  }
  if (head < queue.length / 2) return
  queue = queue.slice(head)
  head = 0
}
