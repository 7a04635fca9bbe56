import { nextTurn, Turn } from '../turn.js'

/** Work that is cut into steps of well below a millisecond each, and returns its result at the end. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Does the work, and lets the event loop run between steps. */
export async function inTurns<T>(work: Steps<T>): Promise<T> {
  const turn = new Turn()
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (turn.isOver) await nextTurn()
  }
}

/** Does the work at once. */
export function allSteps<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
