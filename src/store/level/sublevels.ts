import type { AnyLevel } from '../backend/any-level.js'
import { encodedKey, encodedValue } from '../backend/as-bytes.js'
import { override } from '../backend/override.js'
import type { WriteOptions } from '../options/options.js'
import { copyArguments } from './caller-buffers.js'
import { StoreChainedBatch } from './chained-batch.js'
import type { OpeningSublevels } from './opening-sublevels.js'
import { type EncodedOperation, toParent, withEncodedValue } from './operations.js'

type Sublevel = AnyLevel & { _batch(operations: readonly EncodedOperation[], options: WriteOptions): Promise<void> }

/**
 * Changes the sublevels that abstract-level makes of a database, and theirs, so that they treat keys, values and options as the store does.
 *
 * @param explained adds the reason to the error of a call that waited for an opening that has failed
 */
export function adaptSublevels(db: AnyLevel, opening: OpeningSublevels, explained: (error: unknown) => unknown): void {
  override(db, 'sublevel', make => (...args) => {
    const sublevel = make.apply(db, args) as Sublevel
    copyArguments(sublevel)
    opening.watch(sublevel)
    adaptSublevels(sublevel, opening, explained)
    explainFailures(sublevel, explained)
    handOnBytes(sublevel)
    return sublevel
  })
}

function explainFailures(sublevel: Sublevel, explained: (error: unknown) => unknown): void {
  for (const name of ['_open', 'deferAsync']) {
    override(sublevel, name, wait => async (...args) => {
      try {
        return await wait.apply(sublevel, args)
      } catch (error) {
        throw explained(error)
      }
    })
  }
}

function handOnBytes(sublevel: Sublevel): void {
  override(
    sublevel,
    'prefixKey', // It takes nothing but bytes.
    prefixed => (key, format, local) => prefixed.call(sublevel, encodedKey(key), format, local)
  )
  // `_put` and `_batch` call the store, which would turn any value but bytes into text.
  override(sublevel, '_put', put => (key, value, options) => put.call(sublevel, key, encodedValue(value), options))
  override(sublevel, '_batch', write => (operations, options) => {
    const encoded = (operations as readonly EncodedOperation[]).map(withEncodedValue)
    return write.apply(sublevel, toParent(encoded, options as WriteOptions))
  })
  override(
    sublevel,
    '_chainedBatch', // abstract-level's own would keep the caller's buffers until it is written.
    () => () => new StoreChainedBatch(sublevel, (operations, options) => sublevel._batch(operations, options))
  )
}
