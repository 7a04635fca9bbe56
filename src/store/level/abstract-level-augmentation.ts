import type { WriteOptions } from '../options/options.js'

/*
 * put, del, batch, clear and the operations of a batch accept the options of a write, also in sublevels. The methods of those have the types of
 * abstract-level's own interfaces, so these are extended.
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
