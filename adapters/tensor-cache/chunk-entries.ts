import type { Codec, TensorDtype } from 'compressed-kv'
import type { Entry } from './entry-index.js'
import { chunkId, type EntryId } from './keys.js'
import type { Layout } from './options.js'
import { splitSequence } from './sequence-axis.js'
import type { WriteSettings } from './storing.js'
import { bytesOf, type TensorArray } from './tensor-array.js'
import type { TensorSpace } from './tensor-space.js'
import type { TokenChunk } from './token-chunks.js'

/*
 * Chunks of sequences as entries of a space. A chunk is useless without those before it in its sequence. These therefore count as used after it, so
 * that a prefix is evicted from its end.
 */

/** How chunks are stored. */
export interface ChunkFormat<D extends TensorDtype = TensorDtype> {
  readonly layout: Layout<D>
  readonly codec: Codec
}

interface ChunkEntry {
  readonly chunk: TokenChunk
  readonly entry: Entry
}

/** The chunks of a sequence that are stored, up to the first that is not. */
export function leadingChunks(space: TensorSpace, chunks: Iterable<TokenChunk>): ChunkEntry[] {
  const leading: ChunkEntry[] = []
  for (const chunk of chunks) {
    const entry = space.find(chunkId(chunk))
    if (entry === undefined) break
    leading.push({ chunk, entry })
  }
  return leading
}

/** Counts as used a chunk, and then those before it, one after another. */
export function touchChunk(space: TensorSpace, last: TokenChunk | undefined): void {
  const end = last && space.find(chunkId(last))
  // When a sequence is used chunk after chunk, those before this one were counted just now, and are not gone through again.
  if (end !== undefined && space.order.extendNewest(end, entryBefore(space, last!))) return
  const entries: Entry[] = []
  for (let chunk = last; chunk !== undefined; chunk = chunk.parent) {
    const entry = space.find(chunkId(chunk))
    if (entry !== undefined) entries.push(entry)
  }
  space.order.touchChain(entries)
}

/** The chunk before a chunk, if it is stored. */
export function entryBefore(space: TensorSpace, { parent }: TokenChunk): Entry | undefined {
  return parent && space.find(chunkId(parent))
}

/**
 * Stores a chunk, unless it is stored already.
 *
 * @returns whether it is stored now
 */
export async function putChunk(
  space: TensorSpace,
  { layout, codec }: ChunkFormat,
  chunk: TokenChunk,
  layers: () => readonly TensorArray[],
  settings: Pick<WriteSettings, 'spared' | 'next'>
): Promise<boolean> {
  const id = chunkId(chunk)
  if (space.find(id) !== undefined) return true
  const facts = { model: layout.model, tokens: [chunk.start, chunk.end] as const }
  return space.write(id, facts, layers().map(bytesOf), codec, { keep: true, ...settings })
}

/**
 * Stores the chunks of one sequence, first to last.
 *
 * @returns how many leading tokens are stored now
 */
export async function putSequence<D extends TensorDtype>(
  space: TensorSpace,
  format: ChunkFormat<D>,
  chunks: readonly TokenChunk[],
  layers: readonly TensorArray<D>[]
): Promise<number> {
  const clears = () => space.clears.get(chunks[0]?.namespace ?? '')
  const clearsBefore = clears()
  space.order.reserveTimes(chunks.length)
  // Later chunks must not evict the first ones, without which they are useless.
  const spared = new Set<EntryId>()
  let stored: TokenChunk | undefined
  for (const chunk of chunks) {
    const before = stored && space.find(chunkId(stored))
    // Another put may have evicted the chunk before. After a clear() the first chunks are gone, or will be.
    if ((stored !== undefined && before === undefined) || clears() !== clearsBefore) break
    const split = () => layers.map(layer => splitSequence(format.layout, layer, chunk.start, chunk.end))
    if (!(await putChunk(space, format, chunk, split, { spared, next: before }))) break
    const entry = space.find(chunkId(chunk))
    if (entry !== undefined) space.order.touchBefore(entry, before) // It may have been there already, last used long ago.
    spared.add(chunkId(chunk))
    stored = chunk
  }
  if (stored === undefined) return 0
  touchChunk(space, stored)
  const { end } = stored
  const lost = chunks.find(chunk => chunk.end < end && space.find(chunkId(chunk)) === undefined)
  return lost?.start ?? end
}
