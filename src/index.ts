export { CompressedKvStore } from './store/compressed-kv-store.js'
export type { CodecRule, CodecSelector, CompressedKvStoreOptions, WriteOptions } from './store/options.js'
export type { CodecStats, RawReason, StoreStats } from './store/stats.js'

export { type Codec, CODEC_ID, type CodecName } from './codec/codec.js'
export { lz4 } from './codec/lz4.js'
export { none } from './codec/none.js'
export { zstd } from './codec/zstd.js'
export { codecForReading, registerCodec } from './codec/registry.js'

export { type Guard as EnvelopeGuard, NO_GUARD } from './envelope/guard.js'
export { codecInput, openEnvelope, type Opened as OpenedEnvelope } from './envelope/open.js'
export { sealCompressed, type Sealing as EnvelopeSealing, sealRaw } from './envelope/seal.js'
export type { Probe as EnvelopeProbe } from './envelope/trailer.js'

export { CompressedKvError, type ErrorCode } from './errors.js'
