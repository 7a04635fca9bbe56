import { countText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import type { AllocationsReply, AllocationsRequest } from './allocations-child.js'
import { askChild } from './child.js'
import { jsonPayload, payloadText } from './payload.js'

const CHILD = new URL('./allocations-child.js', import.meta.url)
/** So large a young generation that nothing is collected while a figure is taken. */
const NO_COLLECTION = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256']

/** What an operation leaves to the garbage collector. Node.js counts bytes, not objects. */
export async function benchAllocations(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  report.section(
    'Allocations: bytes an operation takes',
    `${payloadText(json)}; LZ4, policy os. In a process that collects nothing meanwhile: growth of the heap, and of Buffers' memory outside`,
    'of it, over the operations. Includes the await of the caller. How many objects that are, Node.js does not tell.'
  )
  const request: AllocationsRequest = { corpus: corpus ?? null }
  const { operations } = await askChild<AllocationsReply>(CHILD, NO_COLLECTION, request)
  report.line('')
  report.table(
    ['', 'heap', 'Buffers'],
    operations.map(({ name, heap, buffers }) => [name, `${countText(heap)} B`, `${countText(buffers)} B`])
  )
  for (const operation of operations) {
    const { name, heap, buffers } = operation
    report.record('wal allocations', { operation: name, heapBytes: heap, bufferBytes: buffers })
  }
}
