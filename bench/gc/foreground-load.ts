import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { seeded } from '../documents/seeded.js'
import type { Store } from './stores.js'

/** How many ms every call took. */
export interface Latencies {
  readonly put: number[]
  readonly get: number[]
}

/** Puts and gets in turns until the signal. */
export type Load = (
  store: Store,
  keys: readonly string[],
  values: readonly Buffer[],
  signal: AbortSignal
) => Promise<Latencies>

export const PACE_MS = 2

/** The event loop runs between two pairs of calls, as it would if they came from outside. */
export const oneAfterAnother: Load = async (store, keys, values, signal) => {
  const latencies: Latencies = { put: [], get: [] }
  const pick = picking(keys, values)
  while (!signal.aborted) {
    const start = performance.now()
    await store.put(...pick())
    const between = performance.now()
    await store.get(pick()[0])
    latencies.put.push(between - start)
    latencies.get.push(performance.now() - between)
    await nextTurn()
  }
  return latencies
}

/** Calls are due at fixed times, whether the calls before have returned or not. */
export const paced: Load = async (store, keys, values, signal) => {
  const latencies: Latencies = { put: [], get: [] }
  const pick = picking(keys, values)
  const underWay = new Set<Promise<void>>()
  const begin = performance.now()
  for (let call = 0; !signal.aborted; call++) {
    const due = begin + call * PACE_MS
    const wait = due - performance.now()
    if (wait > 0) await delay(wait)
    while (performance.now() < due) await nextTurn() // A timer counts whole ms, and may fire early.
    const isPut = call % 2 === 0
    const times = isPut ? latencies.put : latencies.get
    const called: Promise<void> = (isPut ? store.put(...pick()) : store.get(pick()[0])).then(() => {
      times.push(performance.now() - due)
      underWay.delete(called)
    })
    underWay.add(called)
  }
  await Promise.all(underWay)
  return latencies
}

function picking(keys: readonly string[], values: readonly Buffer[]): () => [key: string, value: Buffer] {
  const next = seeded(13)
  const random = (below: number) => Math.floor(next() * below)
  return () => [keys[random(keys.length)]!, values[random(values.length)]!]
}
