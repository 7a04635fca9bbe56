import { expect, it } from 'vitest'
import { main } from '../../examples/prometheus-metrics.js'
import { printedBy } from './printed.js'

const SCOPE = '{otel_scope_name="my-app"}'

it('prints what Prometheus gets of the log', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(lines).toEqual(result)
  expect(lines).toContain(`wal_records_total${SCOPE} 100`)
  expect(lines).toContain(`wal_fsync_ms_count${SCOPE} 100`)
  expect(lines).toContain(`wal_segment_count${SCOPE} 1`)
  expect(valueOf(lines, 'wal_bytes_total')).toBeGreaterThan(100 * 48)
  expect(valueOf(lines, 'wal_fsync_ms_sum')).toBeGreaterThan(0)
  expect(left).toEqual([])
})

function valueOf(lines: readonly string[], name: string): number {
  return Number(
    lines
      .find(line => line.startsWith(name))
      ?.split(' ')
      .at(-1)
  )
}
