/** Lets everything run that waits for nothing but its turn: promises, ticks, memory-level's queues. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Whether a promise has settled, for tests that say what must not have happened yet. */
export function track(promise: Promise<unknown>): { settled: boolean } {
  const state = { settled: false }
  const settle = () => void (state.settled = true)
  promise.then(settle, settle)
  return state
}

/** Keeps the thread busy. */
export function work(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
