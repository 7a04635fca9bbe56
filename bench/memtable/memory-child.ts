import { MemTable } from 'compressed-kv'
import { ENTRIES, type Entries, freshly, makeEntries, VALUE_BYTES } from './entries.js'

export interface EntryMemoryRequest {
  readonly contender: 'MemTable' | 'Map'
  readonly corpus: string | null
}

/** Bytes for one entry. */
export interface EntryMemoryReply {
  readonly table: number
  readonly all: number
  readonly ordered: number
}

/** How many values share one allocation: a store copies values into such pieces as well. */
const VALUES_TOGETHER = 512

process.once('message', (request: EntryMemoryRequest) => {
  void measure(request).then(reply => process.send!(reply))
})

async function measure({ contender, corpus }: EntryMemoryRequest): Promise<EntryMemoryReply> {
  const shared = makeEntries(corpus ?? undefined)
  fill(contender, shared) // A run before: what only the first one needs, such as compiled code, is not counted.
  const before = await settled()
  const all = own(shared)
  const withEntries = await settled()
  const table = fill(contender, all)
  const withTable = await settled()
  if (table instanceof MemTable) table.order()
  const withOrder = await settled()
  if (table.size !== ENTRIES || all.keys.length !== ENTRIES) throw new Error('Entries were lost') // Keeps both alive until here.
  return {
    table: (withTable - withEntries) / ENTRIES,
    // The arrays that hold keys and values meanwhile are no part of an entry.
    all: (withTable - before) / ENTRIES - 2 * POINTER_BYTES,
    ordered: (withOrder - withTable) / ENTRIES
  }
}

/** Node.js does not compress pointers. */
const POINTER_BYTES = 8

function own({ keys, values }: Entries): Entries {
  const copies: Buffer[] = []
  let piece = Buffer.alloc(0)
  for (const value of values) {
    const at = (copies.length % VALUES_TOGETHER) * VALUE_BYTES
    if (at === 0) piece = Buffer.allocUnsafeSlow(VALUES_TOGETHER * VALUE_BYTES)
    copies.push(piece.subarray(at, at + value.copy(piece, at)))
  }
  return { keys: freshly(keys), values: copies }
}

function fill(contender: EntryMemoryRequest['contender'], { keys, values }: Entries): MemTable | Map<string, Buffer> {
  if (contender === 'Map') return new Map(keys.map((key, i) => [key, values[i]!]))
  const table = new MemTable()
  for (const [i, key] of keys.entries()) table.put(key, values[i]!)
  return table
}

/** Waits a little, since Buffers are freed some ticks after the collection that found them dead. */
async function settled(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc!()
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
