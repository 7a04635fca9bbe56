import { Level } from 'level'
import { CompressedKvStore } from '../../../src/index.js'

/** A put that waits for room while the backend refuses everything. Says how it ended. */
const backend = new Level<string, Buffer>(process.argv[2]!, { valueEncoding: 'buffer' })
const store = new CompressedKvStore<string, Buffer>(backend, { memtable: { maxBytes: 400, flushIntervalMs: 500 } })
await store.put('first', Buffer.alloc(10))
backend.hooks.prewrite.add(() => {
  throw new Error('refused')
})
await store.put('second', Buffer.alloc(10))
await store.flush().catch(() => {})
await store.put('third', Buffer.alloc(300)).catch(() => {})
console.log('settled')
