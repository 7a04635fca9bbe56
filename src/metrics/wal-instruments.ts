import { type Counter, type Histogram, type Meter, metrics, type UpDownCounter } from '@opentelemetry/api'

/** What a log reports to OpenTelemetry. */
export interface WalInstruments {
  readonly records: Counter
  readonly bytes: Counter
  readonly fsyncMs: Histogram
  readonly gcMs: Histogram
  readonly segmentsDeleted: Counter
  readonly segmentCount: UpDownCounter
}

/** @param meter by default the global one, which does nothing until the application has set up OpenTelemetry */
export function walInstruments(meter: Meter = metrics.getMeter('compressed-kv')): WalInstruments {
  return {
    records: meter.createCounter('wal_records_total', { description: 'Records appended to the log' }),
    bytes: meter.createCounter('wal_bytes_total', {
      description: 'Bytes of the frames of records, headers included',
      unit: 'By'
    }),
    fsyncMs: meter.createHistogram('wal_fsync_ms', { description: 'Time of an fsync of the log', unit: 'ms' }),
    gcMs: meter.createHistogram('wal_gc_latency_ms', { description: 'Time of deleting segments', unit: 'ms' }),
    segmentsDeleted: meter.createCounter('wal_segments_deleted_total', { description: 'Segments deleted' }),
    segmentCount: meter.createUpDownCounter('wal_segment_count', { description: 'Segments that the log has' })
  }
}
