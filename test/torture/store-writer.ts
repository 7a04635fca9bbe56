/*
 * Writes to a store over classic-level until it is killed, and prints a line when a call was acknowledged:
 *
 *     node store-writer.js DIRECTORY SEED
 *
 *     ready
 *     ack OPERATION
 */
import { Level } from 'level'
import { CompressedKvStore } from '../../src/index.js'
import { seededRandom } from '../support/seeded-random.js'
import { print } from './print.js'
import { mayBeOvertaken, operations, perform, settingsOf } from './store-operations.js'

const MAX_IN_FLIGHT = 64

const [directory, seedText] = process.argv.slice(2) as [string, string]
const seed = Number(seedText)
const random = seededRandom(seed + 1)

const backend = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
const store = new CompressedKvStore<string, Buffer>(backend, settingsOf(seed))
await store.open()
print('ready')

const inFlight = new Set<Promise<void>>()
for (const operation of operations(seed)) {
  if (inFlight.size >= MAX_IN_FLIGHT || (inFlight.size > 0 && random() < 0.1)) await Promise.race(inFlight)
  const done: Promise<void> = perform(store, operation).then(() => {
    print(`ack ${operation.number}`)
    inFlight.delete(done)
  })
  inFlight.add(done)
  if (mayBeOvertaken(operation)) await done
  // Views freeze the table, and flushes wait for all.
  if (random() < 0.01) await store.iterator({ limit: 10 }).all()
  if (random() < 0.002) await store.flush()
}
