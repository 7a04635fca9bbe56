import { ENCODINGS, type TensorBackingStore } from './backing-store.js'

/** How many stored bytes one call reads. A larger value has a call of its own. */
const READ_BYTES = 1.5 * 1024 * 1024
/**
 * How many calls are under way at once, so that some values are read while others are decoded. More calls only slow each other down: on 2 cores,
 * reading 32 layers of 2 MiB all at once takes one and a half times as long.
 */
const MAX_READS = 5

/** Values of one entry. */
interface Wanted {
  readonly keys: readonly string[]
  /** The approximate stored size of one of them. */
  readonly valueBytes: number
}

interface Call {
  readonly entry: number
  readonly at: number
  readonly keys: string[]
}

/**
 * Reads the values of entries. Some are read while others are decoded. When a value is missing, no further call is made: that value, and all that
 * were not read, are undefined.
 *
 * @param failed called with the entry of which a value could not be read, before the error is thrown
 */
export async function readValues(
  db: TensorBackingStore,
  wanted: readonly Wanted[],
  failed: (entry: number, error: unknown) => Promise<void>
): Promise<unknown[][]> {
  const found = wanted.map(({ keys }) => keys.map((): unknown => undefined))
  const calls = callsFor(wanted)
  const read = async () => {
    // All readers take from one generator, which a return from the loop ends for all.
    for (const { entry, at, keys } of calls) {
      const values = await db.getMany(keys, ENCODINGS.bytes).catch(async (error: unknown) => {
        await failed(entry, error)
        throw error
      })
      found[entry]!.splice(at, values.length, ...values)
      if (values.includes(undefined)) return
    }
  }
  await Promise.all(Array.from({ length: MAX_READS }, read))
  return found
}

/** Whether one call reads all values of an entry. They are of one moment then. */
export function isReadAtOnce({ keys, valueBytes }: Wanted): boolean {
  return keys.length <= valuesPerCall(valueBytes)
}

function valuesPerCall(valueBytes: number): number {
  return Math.max(1, Math.floor(READ_BYTES / valueBytes))
}

function* callsFor(wanted: readonly Wanted[]): Generator<Call, void> {
  for (const [entry, { keys, valueBytes }] of wanted.entries()) {
    const size = valuesPerCall(valueBytes)
    for (let at = 0; at < keys.length; at += size) yield { entry, at, keys: keys.slice(at, at + size) }
  }
}
