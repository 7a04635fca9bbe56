// The store.
export { CompressedKvStore } from './store/compressed-kv-store.js'
export { adaptive, type AdaptiveOptions, type TensorKeys } from './store/adaptive.js'
export type { CodecRule, CompressedKvStoreOptions, WriteOptions } from './store/options/options.js'
export type { StoreEvents } from './store/store-events.js'
export type { GcOptions } from './store/options/gc-options.js'
export type { MemTableOptions } from './store/options/memtable-options.js'
export type {
  CodecStats,
  DictionaryStats,
  MemTableStats,
  NoDictionaryReason,
  RawReason,
  StoreStats
} from './store/stats.js'
export type { Judgement as DictionaryJudgement } from './store/dictionaries/dictionary-judge.js'

// Codecs: the built-in ones, and what is needed for one of your own.
export { type Codec, CODEC_ID, type CodecName, type DictionaryCodec, type TransientForms } from './codec/codec.js'
export type { CodecSelector } from './codec/selector.js'
export { lz4 } from './codec/lz4/lz4.js'
export { none } from './codec/none.js'
export { tensor, type TensorOptions } from './codec/tensor/tensor.js'
export type { TensorDtype } from './codec/tensor/tensor-format.js'
export { zstd, type ZstdOptions } from './codec/zstd/zstd.js'
export { codecForReading, registerCodec } from './codec/registry.js'

// Envelopes, for programs that read or write stored values without a store.
export { type Guard as EnvelopeGuard, NO_GUARD } from './envelope/guard.js'
export { codecInput, openEnvelope, type Opened as OpenedEnvelope } from './envelope/open.js'
export { sealCompressed, type Sealing as EnvelopeSealing, sealRaw } from './envelope/seal.js'
export type { Probe as EnvelopeProbe } from './envelope/trailer.js'

// The MemTable, used alone.
export { MemTable, type MemTableRange } from './memtable/memtable.js'

// Sweeps: policies, and `db.gc`.
export {
  MIN_COMPRESS_SIZE,
  type DictionaryOffer,
  type Gc,
  type GcDecision,
  type MinSizeOption,
  type StoredValue
} from './gc/policy.js'
export { Lz4Gc } from './gc/lz4-gc.js'
export { ZstdGc, type ZstdGcOptions } from './gc/zstd-gc.js'
export { NoGc } from './gc/no-gc.js'
export type { Collector, GcProgress, GcRunOptions } from './gc/collector.js'
export type { GcReport } from './gc/report.js'

// The way out, repair, copies, and a look at a database as it is stored.
export { unwrap, type UnwrapOptions } from './store/unwrap.js'
export { repair, type RepairOptions, type RepairReport } from './store/repair.js'
export type { BackupOptions, BackupReport } from './store/backup.js'
export {
  inspect,
  type Inspection,
  type OpenedLog as InspectedLog,
  type StoredEntry,
  type StoreMarker
} from './store/inspect.js'

// Errors, and the check of options that the adapters use as well.
export { CompressedKvError, type ErrorCode } from './errors.js'
export { assertKnownOptions, type OptionTable } from './known-options.js'

// The write-ahead log, used alone, and the files it needs.
export { Wal, type AppendOptions } from './wal/wal.js'
export type { WalReader } from './wal/wal-reader.js'
export { Record, type LogRecord, type PutOptions as RecordPutOptions, type WalRecord } from './wal/format/record.js'
export type { ReadOptions as WalReadOptions } from './wal/reading/read-start.js'
export type { WalEvent, WalStats } from './wal/observer.js'
export type { WalOptions } from './wal/options.js'
export { comparePositions, type Position } from './wal/format/position.js'
export type { LogEntry as WalEntry } from './wal/reading/record-iterator.js'
export type { CorruptRange, RecoveryReport } from './wal/recovery/recovered-log.js'
export type { WalProgress } from './wal/recovery/recovery-progress.js'
export type { File, FileSystem, OpenMode } from './fs/file-system.js'
export { nodeFileSystem } from './fs/node-file-system.js'
