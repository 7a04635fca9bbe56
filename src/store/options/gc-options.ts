import { invalidOption } from '../../errors.js'
import { assertPolicy, assertRate, assertSweepInterval } from '../../gc/checks.js'
import type { CollectorSettings } from '../../gc/collector.js'
import type { Gc } from '../../gc/policy.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'

/** What sweeps do, and when. */
export interface GcOptions {
  /**
   * Decides what becomes of each value. One that is given here also sweeps before each snapshot of a log that is the database.
   * @default makes of old values what `codec` and `minSize` make of new ones: by `new ZstdGc({ level })` for Zstandard, `new Lz4Gc()` for
   *   LZ4, `new NoGc()` for 'none'; raw values by a selector (`adaptive()`) or a codec of your own; rule by rule where there are rules
   */
  readonly policy?: Gc | undefined
  /**
   * How often to sweep in the background, in ms; 0 for only when asked.
   * @default 0
   */
  readonly intervalMs?: number | undefined
  /**
   * How fast a sweep goes at most, in bytes of stored values a second.
   * @default Infinity
   */
  readonly bytesPerSecond?: number | undefined
}

const GC_OPTIONS = {
  policy: 'any',
  intervalMs: 'any',
  bytesPerSecond: 'any'
} as const satisfies OptionTable<GcOptions>

export interface GcSettings extends CollectorSettings {
  /** Whether values are swept before a snapshot of the log; by default they are what the store has made of them already. */
  readonly beforeSnapshots: boolean
}

const GC_DEFAULTS: Omit<CollectorSettings, 'policy'> = { intervalMs: 0, bytesPerSecond: Infinity }

/** @throws CKV_INVALID_OPTION */
export function collectorSettings(gc: GcOptions = {}): GcSettings {
  if (typeof (gc as Partial<Gc> | null)?.process === 'function') {
    throw invalidOption('gc takes an object of options: give it a policy as { policy }')
  }
  assertKnownOptions('gc', gc, GC_OPTIONS)
  const { policy, intervalMs = GC_DEFAULTS.intervalMs, bytesPerSecond = GC_DEFAULTS.bytesPerSecond } = gc
  if (policy !== undefined) assertPolicy('gc.policy', policy)
  assertSweepInterval('gc.intervalMs', intervalMs, 0)
  assertRate('gc.bytesPerSecond', bytesPerSecond)
  return { policy, intervalMs, bytesPerSecond, beforeSnapshots: policy !== undefined }
}
