import type { CodecName, LogRecord, Wal, WalOptions } from 'compressed-kv'
import { inFlight } from '../harness/in-flight.js'
import { median } from '../harness/median.js'
import { threeDigits } from '../harness/number-text.js'

export type Policy = NonNullable<WalOptions['fsync']>
export type { CodecName }

export const POLICIES: readonly Policy[] = ['os', 'interval', 'always']

/** Appends records over and over, never more than `limit` of them at once; resolves when all are as durable as the policy says. */
export async function appendAll(wal: Wal, records: readonly LogRecord[], count: number, limit: number): Promise<void> {
  await inFlight(count, limit, i => wal.append(records[i % records.length]!))
}

/** Milliseconds that `work` takes. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** 212345 → '212 k' */
export function thousands(perSecond: number): string {
  return `${threeDigits(perSecond / 1000)} k`
}

export function microseconds(value: number): string {
  return `${threeDigits(value)} µs`
}

export function medianOf<T>(rounds: readonly T[], value: (round: T) => number): number {
  return median(rounds.map(value))
}
