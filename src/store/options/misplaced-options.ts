import { invalidOption } from '../../errors.js'

/**
 * Options that are easily taken for the store's, and what to write instead. No database is known to have options of these names,
 * but for LevelDB's `compression`, which is true or false.
 */
const PLACES: Readonly<Record<string, string>> = {
  compression: 'codec',
  dir: 'wal: { dir }',
  onEvent: 'wal: { onEvent }',
  fsync: 'wal: { fsync }',
  fsyncIntervalMs: 'wal: { fsyncIntervalMs }',
  segmentBytes: 'wal: { segmentBytes }',
  blockBytes: 'wal: { blockBytes }',
  recovery: 'wal: { recovery }',
  flushBytes: 'memtable: { flushBytes }',
  flushIntervalMs: 'memtable: { flushIntervalMs }',
  maxBytes: 'memtable: { maxBytes }',
  policy: 'gc: { policy }',
  intervalMs: 'gc: { intervalMs }',
  bytesPerSecond: 'gc: { bytesPerSecond }',
  level: 'codec: zstd({ level })',
  sync: "{ sync } of a write, or wal: { fsync: 'always' } for all of them",
  ttl: '{ ttl } of a write',
  onStored: '{ onStored } of a write'
}

/**
 * Refuses an option that belongs elsewhere. If `fsync: 'always'` beside `wal` were left to hooks and the backend, its user would notice only after a
 * power cut that it had no effect.
 *
 * @throws CKV_INVALID_OPTION
 */
export function assertNoneMisplaced(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || !Object.hasOwn(PLACES, name)) continue
    if (name === 'compression' && typeof value === 'boolean') continue
    throw invalidOption(`'${name}' is no option of CompressedKvStore: use ${PLACES[name]}`)
  }
}
