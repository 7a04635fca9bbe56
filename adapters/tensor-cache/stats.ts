export interface TensorCacheStats {
  /** Bytes of everything cached here, of all models, including what is being written. 0 until the cache is used. */
  readonly bytes: number
  readonly maxBytes: number
  /** Chunks and tensors, of all models. */
  readonly entries: number
  /** Chunks and tensors evicted, of all models, since the store was opened. */
  readonly evictions: number
  /** Chunks and tensors that this cache was asked for: those that it had, and those that it did not have. */
  readonly hits: number
  readonly misses: number
}
