import { CODEC_ID, type Codec } from '../codec/codec.js'
import type { CodecSelector } from '../codec/selector.js'
import { invalidOption } from '../errors.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { assertPolicy, assertRate, assertSweepInterval } from '../gc/checks.js'
import type { CollectorSettings } from '../gc/collector.js'
import { Lz4Gc } from '../gc/lz4-gc.js'
import { NoGc } from '../gc/no-gc.js'
import type { Gc } from '../gc/policy.js'
import { SelectorGc } from '../gc/selector-gc.js'
import { ZstdGc } from '../gc/zstd-gc.js'

/** What sweeps do, and when. */
export interface GcOptions {
  /**
   * Decides what becomes of each value. One that is given here also sweeps before each snapshot of a log that is the database.
   * @default as `codec` says: `new ZstdGc({ level })` for Zstandard, `new NoGc()` for 'none', what a selector (`adaptive()`) chooses for
   *   raw values, else `new Lz4Gc()`
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
export function collectorSettings(gc: GcOptions = {}, codec: unknown): GcSettings {
  if (typeof (gc as Partial<Gc> | null)?.process === 'function') {
    throw invalidOption('gc takes an object of options: give it a policy as { policy }')
  }
  assertKnownOptions('gc', gc, GC_OPTIONS)
  const { policy, intervalMs = GC_DEFAULTS.intervalMs, bytesPerSecond = GC_DEFAULTS.bytesPerSecond } = gc
  if (policy !== undefined) assertPolicy('gc.policy', policy)
  assertSweepInterval('gc.intervalMs', intervalMs, 0)
  assertRate('gc.bytesPerSecond', bytesPerSecond)
  return { policy: policy ?? policyFor(codec), intervalMs, bytesPerSecond, beforeSnapshots: policy !== undefined }
}

/** What makes of old values what a store makes of new ones. */
function policyFor(codec: unknown): Gc {
  if (codec === 'none') return new NoGc()
  if (codec === 'zstd') return new ZstdGc()
  if (typeof codec === 'function') return new SelectorGc(codec as CodecSelector)
  const { id, effort } = codec as Codec
  if (id === CODEC_ID.none) return new NoGc()
  return id === CODEC_ID.zstd ? new ZstdGc(effort === undefined ? {} : { level: effort }) : new Lz4Gc()
}
