import { CompressedKvError, CompressedKvStore } from 'compressed-kv'

/**
 * The store that an adapter was given, or to which the sublevel that it was given belongs.
 *
 * @param adapter its name, for the message
 * @throws LEVEL_NOT_SUPPORTED for anything else
 */
export function storeOf(
  given: { readonly db?: object } | undefined,
  adapter: string
): CompressedKvStore<unknown, unknown> {
  const store = given?.db ?? given
  if (store instanceof CompressedKvStore) return store
  throw new CompressedKvError('LEVEL_NOT_SUPPORTED', `${adapter} takes a CompressedKvStore, or a sublevel of one`)
}
