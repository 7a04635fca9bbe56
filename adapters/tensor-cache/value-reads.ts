import { ENCODINGS, type TensorBackingStore } from './backing-store.js'

/** Stored bytes that one call asks for, if that is more than one value. */
const READ_BYTES = 1.5 * 1024 * 1024
/**
 * Calls under way at once. Some values are read while others are decoded; more of either only get into each other's way: on 2 cores 32 layers of
 * 2 MiB, asked for all at once, took one and a half times as long.
 */
const MAX_READS = 5

/** Values of one entry. */
export interface Wanted {
  readonly keys: readonly string[]
  /** About as much as one of them takes as it is stored. */
  readonly valueBytes: number
}

interface Call {
  readonly entry: number
  readonly at: number
  readonly keys: string[]
}

/**
 * The values of entries, in their order, the next ones being read while others are decoded. Where one is missing no further call is made: it, and
 * what was not read behind it, is undefined.
 */
export async function readValues(db: TensorBackingStore, wanted: readonly Wanted[]): Promise<unknown[][]> {
  const found = wanted.map(({ keys }) => keys.map((): unknown => undefined))
  const calls = callsFor(wanted)
  const read = async () => {
    // All take from one list, which whoever leaves early ends for all.
    for (const { entry, at, keys } of calls) {
      const values = await db.getMany(keys, ENCODINGS.bytes)
      found[entry]!.splice(at, values.length, ...values)
      if (values.includes(undefined)) return
    }
  }
  await Promise.all(Array.from({ length: MAX_READS }, read))
  return found
}

function* callsFor(wanted: readonly Wanted[]): Generator<Call, void> {
  for (const [entry, { keys, valueBytes }] of wanted.entries()) {
    const size = Math.max(1, Math.floor(READ_BYTES / valueBytes))
    for (let at = 0; at < keys.length; at += size) yield { entry, at, keys: keys.slice(at, at + size) }
  }
}
