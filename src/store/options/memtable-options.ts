import { invalidOption } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { assertBytes, isInterval, MAX_INTERVAL_MS, shown } from '../../option-checks.js'

/** When the MemTable is moved into the backend. */
export interface MemTableOptions {
  /**
   * The table is moved when it has about this many bytes, counting keys, values and 150 bytes for each entry. With a higher value, more of those
   * values are never written to the backend that are soon overwritten, and the log is longer.
   * @default 16777216 (16 MiB)
   */
  readonly flushBytes?: number | undefined
  /**
   * Writes wait when this many bytes are not in the backend yet. A range that `clear()` deletes counts as a 64th of it: reads look at each of those
   * that wait. A single write may be larger, and then has all the room. When calls of 256 MiB wait,
   * further ones are rejected with CKV_BUSY. With `readOnly`: how much may be read into memory of a log that is ahead of the backend.
   * @default 67108864 (64 MiB)
   */
  readonly maxBytes?: number | undefined
  /**
   * How long after its first write, in ms, the table is moved even if it is small. Infinity for never.
   * @default 1000
   */
  readonly flushIntervalMs?: number | undefined
}

const MEMTABLE_OPTIONS = {
  flushBytes: 'any',
  maxBytes: 'any',
  flushIntervalMs: 'any'
} as const satisfies OptionTable<MemTableOptions>

export type MemTableSettings = { readonly [Name in keyof MemTableOptions]-?: number }

export const MEMTABLE_DEFAULTS: MemTableSettings = {
  flushBytes: 16 * 1024 * 1024,
  maxBytes: 64 * 1024 * 1024,
  flushIntervalMs: 1000
}

/** @throws CKV_INVALID_OPTION */
export function memtableSettings(
  memtable: boolean | MemTableOptions | undefined,
  hasLog: boolean
): MemTableSettings | undefined {
  if (memtable === false || (memtable === undefined && !hasLog)) return undefined
  if (!hasLog) {
    throw invalidOption(
      'A MemTable needs a log, or a crash would lose what was acknowledged: pass wal as well, or leave memtable out'
    )
  }
  const given = memtable === undefined || memtable === true ? {} : memtable
  if (typeof given !== 'object' || given === null) {
    throw invalidOption(`memtable must be true, false or an object of options, not ${shown(memtable)}`)
  }
  assertKnownOptions('memtable', given, MEMTABLE_OPTIONS)
  const {
    flushBytes = MEMTABLE_DEFAULTS.flushBytes,
    maxBytes = MEMTABLE_DEFAULTS.maxBytes,
    flushIntervalMs = MEMTABLE_DEFAULTS.flushIntervalMs
  } = given
  assertBytes('memtable.flushBytes', flushBytes, Infinity)
  assertBytes('memtable.maxBytes', maxBytes, Infinity)
  if (!isInterval(flushIntervalMs, 1) && flushIntervalMs !== Infinity) {
    throw invalidOption(
      `memtable.flushIntervalMs must be a whole number of ms, 1 to ${MAX_INTERVAL_MS}, or Infinity, not ${shown(flushIntervalMs)}`
    )
  }
  // Not infinite: a share of it is what a deleted range weighs.
  return { flushBytes, maxBytes: Math.min(maxBytes, Number.MAX_SAFE_INTEGER), flushIntervalMs }
}
