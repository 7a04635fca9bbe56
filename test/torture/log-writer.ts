/*
 * Appends to a log until it is killed, and prints a line when an append was acknowledged:
 *
 *     node log-writer.js DIRECTORY SEED
 *
 *     ready
 *     delete SEGMENT                                 it is about to delete the segments before
 *     ack OPERATION SEQUENCE SEGMENT OFFSET INDEX    of its first record
 */
import { type Position, Wal } from '../../src/index.js'
import { seededRandom } from '../support/seeded-random.js'
import { type Operation, operations, recordOf, settingsOf } from './log-operations.js'
import { print } from './print.js'

const MAX_IN_FLIGHT = 64
const KEPT_SEGMENTS = 10

const [directory, seedText] = process.argv.slice(2) as [string, string]
const seed = Number(seedText)
const random = seededRandom(seed + 1)
const { codecOfValues, ...options } = settingsOf(seed)

const { wal } = await Wal.open({ dir: directory, ...options })
print('ready')

let sequence = wal.nextSequence
const inFlight = new Set<Promise<void>>()
for (const operation of operations(seed)) {
  if (inFlight.size >= MAX_IN_FLIGHT || (inFlight.size > 0 && random() < 0.1)) await Promise.race(inFlight)
  const appended = append(operation, sequence)
  sequence += operation.keys.length
  inFlight.add(appended)
  void appended.then(() => inFlight.delete(appended))
  if (random() < 0.001) await wal.sync()
  if (random() < 0.002) await deleteSome()
}

async function append({ number, keys, sync }: Operation, first: number): Promise<void> {
  const records = keys.map(key => recordOf(key, codecOfValues))
  const [single] = records
  const at = records.length === 1 ? await wal.append(single!, { sync }) : (await wal.appendBatch(records, { sync }))[0]!
  print(['ack', number, first, at.segment, at.offset, at.index].join(' '))
}

async function deleteSome(): Promise<void> {
  const position: Position = { ...wal.position, segment: wal.position.segment - KEPT_SEGMENTS }
  if (position.segment < 1) return
  print(`delete ${position.segment}`)
  await wal.deleteSegmentsBefore(position)
}
