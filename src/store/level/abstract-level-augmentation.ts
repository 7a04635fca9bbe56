import type { WriteOptions } from '../options/options.js'

/*
 * Options of a write are accepted by put, del, batch, clear and batch operations, also through sublevels, whose methods are typed by
 * abstract-level's own interfaces: so those are widened.
 */
declare module 'abstract-level/types/abstract-level.js' {
  // oxlint-disable typescript/no-empty-object-type, no-unused-vars
  interface AbstractPutOptions<K, V> extends WriteOptions {}
  interface AbstractDelOptions<K> extends Pick<WriteOptions, 'sync'> {}
  interface AbstractBatchOptions<K, V> extends WriteOptions {}
  interface AbstractBatchPutOperation<TDatabase, K, V> extends WriteOptions {}
  interface AbstractBatchDelOperation<TDatabase, K> extends Pick<WriteOptions, 'sync'> {}
  interface AbstractClearOptions<K> extends Pick<WriteOptions, 'sync'> {}
}

declare module 'abstract-level/types/abstract-chained-batch.js' {
  // oxlint-disable typescript/no-empty-object-type, no-unused-vars
  interface AbstractChainedBatchPutOptions<TDatabase, K, V> extends Omit<WriteOptions, 'sync'> {}
  interface AbstractChainedBatchWriteOptions extends WriteOptions {}
}
