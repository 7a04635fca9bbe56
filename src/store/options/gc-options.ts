import { invalidOption } from '../../errors.js'
import { assertPolicy, assertRate, assertSweepInterval } from '../../gc/checks.js'
import type { CollectorSettings } from '../../gc/collector.js'
import type { Gc } from '../../gc/policy.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'

/** What sweeps do, and when. */
export interface GcOptions {
  /**
   * Decides what becomes of each value. If one is given and the log is the database, there is also a sweep before each snapshot in the log.
   * @default a policy that compresses old values as `codec` and `minSize` say for new ones: `new ZstdGc({ level })` for Zstandard, `new Lz4Gc()` for
   *   LZ4, `new NoGc()` for 'none'; for a selector (`adaptive()`) or your own codec, one that compresses raw values with it; with rules, one for each
   */
  readonly policy?: Gc | undefined
  /**
   * How often to sweep in the background, in ms; 0 for only when asked.
   * @default 0
   */
  readonly intervalMs?: number | undefined
  /**
   * The most bytes of stored values that a sweep goes through in a second.
   * @default Infinity
   */
  readonly bytesPerSecond?: number | undefined
}

const GC_OPTIONS = {
  policy: 'any',
  intervalMs: 'any',
  bytesPerSecond: 'any'
} as const satisfies OptionTable<GcOptions>

const GC_DEFAULTS: Omit<CollectorSettings, 'policy'> = { intervalMs: 0, bytesPerSecond: Infinity }

/** @throws CKV_INVALID_OPTION */
export function collectorSettings(gc: GcOptions = {}): CollectorSettings {
  if (typeof (gc as Partial<Gc> | null)?.process === 'function') {
    throw invalidOption('gc takes an object of options: give it a policy as { policy }')
  }
  assertKnownOptions('gc', gc, GC_OPTIONS)
  const { policy, intervalMs = GC_DEFAULTS.intervalMs, bytesPerSecond = GC_DEFAULTS.bytesPerSecond } = gc
  if (policy !== undefined) assertPolicy('gc.policy', policy)
  assertSweepInterval('gc.intervalMs', intervalMs, 0)
  assertRate('gc.bytesPerSecond', bytesPerSecond)
  return { policy, intervalMs, bytesPerSecond }
}
