import { countText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import type { AllocationsReply, AllocationsRequest } from './allocations-child.js'
import { askChild } from './child.js'
import { jsonPayload, payloadText } from './payload.js'

const CHILD = new URL('./allocations-child.js', import.meta.url)
/** With these the young generation is so large that no garbage is collected while a figure is taken. */
const NO_COLLECTION = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256']

/** Measures what an operation leaves to the garbage collector, in bytes: Node.js does not count objects. */
export async function benchAllocations(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  report.section(
    'Allocations: bytes an operation takes',
    `${payloadText(json)}; LZ4, policy os. By how much the heap, and the memory of Buffers outside of it, have grown for each operation, in a process`,
    'that collects no garbage meanwhile. The await of the caller is included.'
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
