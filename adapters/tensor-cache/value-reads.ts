import { ENCODINGS, type TensorBackingStore } from './backing-store.js'

/** Stored bytes that one call asks for, if that is more than one value. */
const READ_BYTES = 3 * 1024 * 1024
/**
 * Calls under way at once. Some values are read while others are decoded; more of either only get into each other's way: on 2 cores 32 layers of
 * 2 MiB, asked for all at once, took one and a half times as long.
 */
const MAX_READS = 3

/**
 * Values of keys, in their order.
 *
 * @param valueBytes about as much a value takes as it is stored
 */
export async function readValues(
  db: TensorBackingStore,
  keys: readonly string[],
  valueBytes: number
): Promise<unknown[]> {
  const size = Math.max(1, Math.floor(READ_BYTES / valueBytes))
  const values: unknown[] = []
  let next = 0
  const read = async () => {
    while (next < keys.length) {
      const at = next
      next += size
      const some = await db.getMany(keys.slice(at, at + size), ENCODINGS.bytes)
      for (const [i, value] of some.entries()) values[at + i] = value
    }
  }
  await Promise.all(Array.from({ length: MAX_READS }, read))
  return values
}
