import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { bytesIn } from '../documents/document.js'
import { bytesText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import type { Database } from '../store/contenders.js'
import type { SmallSet } from './sets.js'
import { bare, fill, type Store, storeOf, type StoreOptions, withDatabase } from './stores.js'

const MODES: readonly { readonly name: string; readonly options: StoreOptions }[] = [
  { name: 'write-back', options: {} },
  { name: 'logged', options: { memtable: false } },
  { name: 'write-through', options: { wal: false } }
]
const CODECS = ['zstd', 'lz4'] as const

/** Measures the bytes of the tables of a compacted database, over the bytes of the values. */
export async function benchSizes(report: Report, sets: readonly SmallSet[]): Promise<void> {
  report.section(
    "Small values on disk, dictionary: 'auto', classic-level after compaction",
    'Bytes of the tables over bytes of the values, without their keys. If there is no MemTable, values are written before there is a dictionary,',
    'and a sweep moves them to it. RocksDB: its published figure, with Zstandard blocks and a dictionary of 16 KiB; not a bar.'
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const set of sets) {
    const bytes = bytesIn(set)
    const without = await withDatabase(bare, (db, directory) => filledSize(db, directory, set))
    for (const mode of MODES) {
      const over: Record<string, number> = {}
      for (const codec of CODECS) {
        const create = storeOf({ codec, dictionary: 'auto', ...mode.options })
        const stored = await withDatabase(create, (db, directory) => filledAndSweptSize(db, directory, set))
        over[codec] = stored / without
        report.record('small sizes', { documents: set.name, mode: mode.name, codec, bytes, stored, bare: without })
      }
      const ofBytes = (codec: string) => ratioText((over[codec]! * without) / bytes)
      rows.push([
        set.name,
        bytesText(bytes),
        mode.name,
        ratioText(without / bytes),
        ...CODECS.map(ofBytes),
        ...CODECS.map(codec => ratioText(over[codec]!)),
        set.rocksDb === undefined ? '-' : ratioText(set.rocksDb)
      ])
      const { bar } = set
      const best = set.name === 'OpenStack.log' ? Math.min(over['zstd']!, over['lz4']!) : over['zstd']!
      if (bar !== undefined) bars.push(() => report.bar(`${set.name}, ${mode.name}, over bare`, best, '<=', bar))
    }
  }
  report.line('')
  report.table(['values', 'bytes', 'mode', 'bare', ...CODECS, 'zstd/bare', 'lz4/bare', 'RocksDB'], rows)
  report.line('')
  for (const print of bars) print()
}

async function filledAndSweptSize(store: Store, directory: string, set: SmallSet): Promise<number> {
  await fill(store, set)
  await store.flush()
  // What LevelDB does not have in tables yet, it would write with everything that was overwritten.
  await store.compactRange('', '\uffff')
  await store.gc.run()
  return compactedSize(store, directory)
}

async function filledSize(db: Database, directory: string, set: SmallSet): Promise<number> {
  await fill(db, set)
  return compactedSize(db, directory)
}

/** Only tables are counted: after a close the store's log is empty, and LevelDB's own log, which is not compressed, has nothing that they lack. */
async function compactedSize(db: Database, directory: string): Promise<number> {
  await db.compactRange!('', '\uffff')
  await db.close()
  const names = readdirSync(directory).filter(name => name.endsWith('.ldb'))
  return names.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}
