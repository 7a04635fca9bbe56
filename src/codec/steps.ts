/** Work on the calling thread may go on so long, in ms, before timers and sockets get their turn. */
const MAX_TURN_MS = 2

/** Work cut into steps that take well below a millisecond each; what it comes to is returned at the end. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Does the work, and lets the event loop run in between. */
export async function inTurns<T>(work: Steps<T>): Promise<T> {
  for (let began = performance.now(); ;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (performance.now() - began < MAX_TURN_MS) continue
    await new Promise(resolve => setImmediate(resolve))
    began = performance.now()
  }
}

/** Does the work at once. */
export function allSteps<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
