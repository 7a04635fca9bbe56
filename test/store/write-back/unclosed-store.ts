import { Level } from 'level'
import { CompressedKvStore } from '../../../src/index.js'

/** Writes something that a timer is to flush after a minute, and leaves the store open. */
const store = new CompressedKvStore(new Level(process.argv[2]!), {
  memtable: { flushIntervalMs: 60_000 }
})
await store.put('key', 'value')
console.log('written')
