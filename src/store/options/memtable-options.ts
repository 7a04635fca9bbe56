import { invalidOption } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { assertBytes, isInterval, MAX_INTERVAL_MS, shown } from '../../option-checks.js'

/** When the MemTable is moved into the backend. */
export interface MemTableOptions {
  /**
   * It is moved when it holds about this many bytes: keys, values and 150 bytes an entry. Higher keeps more of the values that are soon
   * overwritten from being written there, and makes the log longer.
   * @default 16777216 (16 MiB)
   */
  readonly flushBytes?: number | undefined
  /**
   * Writers wait when this many bytes are not in the backend yet. A single larger write is let in alone. When 256 MiB of calls wait, further
   * ones are rejected with CKV_BUSY. With `readOnly`, how much of a log that is ahead of the backend is kept in memory.
   * @default 67108864 (64 MiB)
   */
  readonly maxBytes?: number | undefined
  /**
   * How long after the first write, in ms, it is moved even if it is small. Infinity for never.
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
  if (memtable !== undefined && memtable !== true && (typeof memtable !== 'object' || memtable === null)) {
    throw invalidOption(`memtable must be true, false or an object of options, not ${shown(memtable)}`)
  }
  const given: MemTableOptions = memtable === undefined || memtable === true ? {} : memtable
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
  return { flushBytes, maxBytes, flushIntervalMs }
}
