import type { GcReport } from '../gc/report.js'
import type { WalStats } from '../wal/observer.js'
import type { Judgement } from './dictionaries/dictionary-judge.js'
import type { SmallValues } from './dictionaries/small-values.js'

/** Why small values are stored without a dictionary. 'failed': it could not be made or stored, `lastError` says why; it is tried again. */
export type NoDictionaryReason = 'off' | 'tooFewValues' | 'doesNotPay' | 'failed'

/**
 * Why a value was stored raw. 'incompressible' was tried, and saved less than `minSaving`; what adaptive() did not find worth
 * trying is 'looksIncompressible'.
 */
export type RawReason = 'codecNone' | 'belowMinSize' | 'incompressible' | 'looksIncompressible' | 'codecFailed'

/** Values that were stored. */
interface Sealed {
  values: number
  /** Bytes before compression. */
  bytesIn: number
  /** Bytes of the envelopes. */
  bytesStored: number
}

/** Values stored with one codec. */
export interface CodecStats extends Sealed {
  /** bytesStored over bytesIn: smaller is better, 1 when nothing was written. */
  ratio: number
}

/**
 * What a store has done since it was constructed, and what it holds now, which is nothing while it is not open. Counts of what it has done only go
 * up. Each call of `stats()` returns a copy.
 */
export interface StoreStats {
  /** Values sealed, by the name of the codec that they are stored with; raw ones under 'none'. */
  readonly written: Readonly<CodecStats> & {
    readonly byCodec: Readonly<Record<string, Readonly<CodecStats>>>
  }
  /** Values stored raw, by reason. */
  readonly raw: Readonly<Record<RawReason, number>>
  /** The last error of a codec that failed to compress; its value was stored raw. */
  readonly lastCodecError: unknown
  /** Values read from the backend, or from the MemTable or the log if they are sealed there. What the cache answers is not counted. */
  readonly read: {
    readonly values: number
    /** Bytes of their payloads, trailers not counted. */
    readonly payloadBytes: number
    /** Bytes after decompression. */
    readonly bytesOut: number
    /** How many of these values had no envelope. */
    readonly plain: number
  }
  /** `bytes` counts values, keys and about 200 bytes more for each entry. */
  readonly cache: { readonly hits: number; readonly misses: number; readonly entries: number; readonly bytes: number }
  /**
   * Calls of put, del and batch that were accepted, and how many writes of the backend they became. `pending` counts all calls that are under way
   * now, those of clear and flush included.
   */
  readonly writes: { readonly calls: number; readonly backendCalls: number; readonly pending: number }
  /** What is logged and not yet in the backend; undefined without a MemTable. */
  readonly memtable: MemTableStats | undefined
  /** What small values are compressed with. */
  readonly dictionary: DictionaryStats
  /** Sweeps: whether one is under way, and what the last one did; undefined before the first. */
  readonly gc: { readonly isRunning: boolean; readonly lastReport: GcReport | undefined }
  /** The write-ahead log since it was opened; undefined without one. `lastGcError` is the last error of deleting segments or writing a snapshot. */
  readonly wal: (WalStats & { readonly lastGcError: unknown }) | undefined
}

export interface DictionaryStats {
  /** Id of the dictionary in use; undefined if there is none. */
  readonly id: number | undefined
  /** Its length; 0 if there is none. */
  readonly bytes: number
  /** Why there is none; undefined if there is one. */
  readonly unused: NoDictionaryReason | undefined
  /** Dictionaries that the store has. */
  readonly count: number
  /** Values that were written with a dictionary, their bytes before compression, and the bytes of their envelopes. */
  readonly values: number
  readonly bytesIn: number
  readonly bytesStored: number
  /** How many bytes less these values take in the backend than they would without a dictionary, as estimated when it was trained. */
  readonly estimatedSaving: number
  /** How the last sample was judged; undefined before the first. */
  readonly lastJudgement: Judgement | undefined
  /** How many samples were judged. */
  readonly judged: number
  /** The last error of training or storing a dictionary. */
  readonly lastError: unknown
}

export interface MemTableStats {
  /** Keys in memory, deleted ones included; one that was written again since a view was taken may count twice. */
  readonly entries: number
  /** Bytes of their keys and values. */
  readonly bytes: number
  /** Frozen tables and deleted ranges that wait to be flushed. */
  readonly frozen: number
  /**
   * Flushes since the store was constructed, each of one or several tables and deleted ranges: how many there were, how many entries they
   * moved, how long they took, and how many failed.
   */
  readonly flushes: {
    readonly count: number
    readonly entries: number
    readonly ms: number
    readonly failed: number
    readonly lastError: unknown
  }
}

/** The counters behind {@link StoreStats}. */
export class Counters {
  readonly #byCodec = new Map<string, Sealed>()
  readonly #raw: Record<RawReason, number> = {
    codecNone: 0,
    belowMinSize: 0,
    incompressible: 0,
    looksIncompressible: 0,
    codecFailed: 0
  }
  lastCodecError: unknown
  readonly read = { values: 0, payloadBytes: 0, bytesOut: 0, plain: 0 }
  readonly cache = { hits: 0, misses: 0 }
  readonly writes = { calls: 0, backendCalls: 0 }
  readonly flushes = { count: 0, entries: 0, ms: 0, failed: 0, lastError: undefined as unknown }

  readonly #dictionary = {
    values: 0,
    bytesIn: 0,
    bytesStored: 0,
    estimatedSaving: 0,
    lastJudgement: undefined as Judgement | undefined,
    judged: 0,
    lastError: undefined as unknown
  }

  /** Whether training or storing one has failed since a sample was judged. */
  #dictionaryFailed = false

  flushed({ entries, ms }: { readonly entries: number; readonly ms: number }): void {
    this.flushes.count++
    this.flushes.entries += entries
    this.flushes.ms += ms
  }

  sealed(codecName: string, bytesIn: number, bytesStored: number): void {
    let stats = this.#byCodec.get(codecName)
    if (stats === undefined) this.#byCodec.set(codecName, (stats = { values: 0, bytesIn: 0, bytesStored: 0 }))
    stats.values++
    stats.bytesIn += bytesIn
    stats.bytesStored += bytesStored
  }

  /** A small value was sealed with a dictionary; {@link sealed} counts it as well. */
  sealedSmall(bytesIn: number, bytesStored: number, rawShare: number): void {
    const dictionary = this.#dictionary
    dictionary.values++
    dictionary.bytesIn += bytesIn
    dictionary.bytesStored += bytesStored
    dictionary.estimatedSaving += bytesIn * rawShare - bytesStored
  }

  judged(judgement: Judgement): void {
    this.#dictionary.judged++
    this.#dictionary.lastJudgement = judgement
    this.#dictionaryFailed = false
  }

  dictionaryFailed(error: unknown): void {
    this.#dictionary.lastError = error
    this.#dictionaryFailed = true
  }

  sealedRaw(reason: RawReason, bytesIn: number, bytesStored: number): void {
    this.#raw[reason]++
    this.sealed('none', bytesIn, bytesStored)
  }

  opened(payloadBytes: number, bytesOut: number, enveloped: boolean): void {
    this.read.values++
    this.read.payloadBytes += payloadBytes
    this.read.bytesOut += bytesOut
    if (!enveloped) this.read.plain++
  }

  /** @param now what the store holds now */
  snapshot({
    cache = { entries: 0, bytes: 0 },
    pending = 0,
    gc,
    wal,
    tables,
    small,
    mayUseDictionary
  }: {
    cache?: { entries: number; bytes: number } | undefined
    pending?: number | undefined
    gc: StoreStats['gc']
    wal?: StoreStats['wal']
    tables?: { entries: number; bytes: number; frozenCount: number } | undefined
    small?: SmallValues | undefined
    mayUseDictionary: boolean
  }): StoreStats {
    return {
      written: this.#written(),
      raw: { ...this.#raw },
      lastCodecError: this.lastCodecError,
      read: { ...this.read },
      cache: { ...this.cache, ...cache },
      writes: { ...this.writes, pending },
      memtable: tables && {
        entries: tables.entries,
        bytes: tables.bytes,
        frozen: tables.frozenCount,
        flushes: { ...this.flushes }
      },
      dictionary: this.#dictionaryStats(small, mayUseDictionary),
      gc,
      wal
    }
  }

  #dictionaryStats(small: SmallValues | undefined, mayUse: boolean): DictionaryStats {
    const { estimatedSaving, ...counted } = this.#dictionary
    const current = small?.current
    return {
      ...counted,
      estimatedSaving: Math.round(estimatedSaving),
      id: current?.id,
      bytes: current?.bytes.length ?? 0,
      unused: current === undefined ? this.#whyNoDictionary(mayUse) : undefined,
      count: small?.dictionaries.ids.length ?? 0
    }
  }

  #whyNoDictionary(mayUse: boolean): NoDictionaryReason {
    if (!mayUse) return 'off'
    if (this.#dictionaryFailed) return 'failed'
    return this.#dictionary.judged === 0 ? 'tooFewValues' : 'doesNotPay'
  }

  /** Totals over all codecs. */
  #written(): StoreStats['written'] {
    const total = { values: 0, bytesIn: 0, bytesStored: 0 }
    for (const stats of this.#byCodec.values()) {
      total.values += stats.values
      total.bytesIn += stats.bytesIn
      total.bytesStored += stats.bytesStored
    }
    // Users name codecs: fromEntries makes a property of any name, even of '__proto__'.
    const byCodec = Object.fromEntries([...this.#byCodec].map(([name, stats]) => [name, withRatio(stats)]))
    return { ...withRatio(total), byCodec }
  }
}

function withRatio(sealed: Sealed): CodecStats {
  return { ...sealed, ratio: sealed.bytesIn === 0 ? 1 : sealed.bytesStored / sealed.bytesIn }
}
