import { describe, expect, test } from 'vitest'
import { FRAME_TYPE } from '../../../src/wal/format/format.js'
import { unsealRecord } from '../../../src/wal/format/record-codec.js'
import { RecordCursor } from '../../../src/wal/format/record-cursor.js'
import { Record } from '../../../src/wal/format/record.js'
import { Log } from '../../../src/wal/log.js'
import { resolveWalOptions } from '../../../src/wal/options.js'
import { waiter } from '../../../src/wal/writing/open-frame.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem, FILE_CALLS, type FileCall } from '../../support/faulty-file-system.js'
import { killed, powerCut } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { BLOCK_BYTES, DIRECTORY } from './log-disk.js'

const CODES = ['ENOSPC', 'EMFILE', 'EIO'] as const
/** The others are undone, or tried again by whoever comes next. */
const MAY_POISON: ReadonlySet<FileCall> = new Set(['write', 'sync', 'truncate'])

describe.each([1, 3])('%i calls that fail one after another, from any on', times => {
  test.each(FILE_CALLS)('%s: all that was acknowledged is there, then and after every later opening', async call => {
    for (let after = 0; ; after++) {
      const memory = new CrashableFileSystem()
      const fs = new FaultyFileSystem(memory)
      const code = CODES[after % CODES.length]!
      fs.fail(call, { code, after, times })
      const store = new TinyStore()
      try {
        for (let session = 0; session < 3; session++) {
          const log = await openedAtLast(fs, times)
          for (let round = 0; round < 4; round++) await store.work(log, round)
          expect(log.poison === undefined || MAY_POISON.has(call), 'it is poisoned').toBe(true)
          store.closing(log)
          await log.close().catch(() => {})
          expect(memory.openHandles).toBe(0)
          expect(await store.wrongIn(await open(killed(memory)))).toEqual([])
        }
        expect(await store.wrongIn(await open(powerCut(memory, 'none')))).toEqual([])
      } catch (error) {
        throw new Error(`${call} ${after}: ${code}`, { cause: error })
      }
      if ((fs.calls[call] ?? 0) <= after) break
    }
  })
})

/** Keeps keys in a log, and snapshots of them, as a store does whose backend keeps nothing. */
class TinyStore {
  readonly #acknowledged = new Set<string>()
  /** What may be there all the same: its log was poisoned. */
  readonly #uncertain = new Set<string>()
  #rejected: string[] = []
  #next = 1

  /** Appends, a snapshot or a new segment beside them, and lets go of what the snapshot has. */
  async work(log: Log, round: number): Promise<void> {
    const appends = [40, 300, 700].slice(round % 3).map(bytes => this.#append(log, bytes))
    // With this the group is being written, and with it a segment may be begun.
    if (round % 2 === 1) await new Promise(resolve => process.nextTick(resolve))
    await Promise.allSettled([round < 2 ? log.roll() : this.#snapshot(log), ...appends])
    await Promise.allSettled([this.#append(log, 200)])
    await Promise.allSettled([round % 2 === 0 ? this.#snapshot(log) : log.roll()])
  }

  /** Call before it is closed. */
  closing(log: Log): void {
    if (log.poison !== undefined) for (const key of this.#rejected) this.#uncertain.add(key)
    this.#rejected = []
  }

  /** What a log lacks, or has though it was rejected. */
  async wrongIn(log: Log): Promise<string[]> {
    const keys = new Set<string>()
    if (log.snapshot !== undefined) await readKeys(log, log.snapshot, FRAME_TYPE.snapshotData, 0, keys)
    const sequence = log.snapshot?.sequence ?? 0
    await readKeys(log, { segment: log.segmentAbove(sequence), offset: 0 }, FRAME_TYPE.data, sequence, keys)
    const others = [...keys].filter(key => !this.#acknowledged.has(key) && !this.#uncertain.has(key))
    return [...[...this.#acknowledged].filter(key => !keys.has(key)), ...others]
  }

  #append(log: Log, bytes: number): Promise<void> {
    const key = String(this.#next++)
    return new Promise<void>((resolve, reject) => {
      const settled = waiter(() => {
        this.#acknowledged.add(key)
        resolve()
      }, reject)
      log.append(Record.put(key, noise(bytes)), false, settled)
    }).catch(() => void this.#rejected.push(key))
  }

  async #snapshot(log: Log): Promise<void> {
    const keys = [...this.#acknowledged]
    const sequence = log.nextSequence - 1
    const writer = log.snapshotWriter()
    const { segment } = await writer.begin(sequence)
    for (const key of keys) await writer.add(Record.put(key, noise(10)))
    await writer.end()
    await log.deleteSegmentsBefore({ segment: Math.min(segment, log.segmentAbove(sequence)) })
  }
}

/** The keys of the records above a number, from a place on; of a snapshot up to its end. */
async function readKeys(
  log: Log,
  start: { segment: number; offset: number },
  type: number,
  above: number,
  keys: Set<string>
): Promise<void> {
  const frames = log.frames(start)
  for (let found = await frames.next(); found !== undefined; found = await frames.next()) {
    const { header } = found.frame
    if (type !== FRAME_TYPE.data && header.type === FRAME_TYPE.snapshotEnd) break
    if (header.type !== type) continue
    const records = new RecordCursor(found.payload)
    for (let sequence = header.firstSequence; records.next(); sequence++) {
      if (type !== FRAME_TYPE.data || sequence > above) keys.add(records.key.toString())
    }
  }
  await frames.close()
}

async function open(fs: FaultyFileSystem | CrashableFileSystem): Promise<Log> {
  const options = { dir: DIRECTORY, meter: false, codec: 'none', fsync: 'always', fs } as const
  const settings = resolveWalOptions({ ...options, blockBytes: BLOCK_BYTES, segmentBytes: 1300 })
  return (await Log.open(settings, { unseal: unsealRecord })).log
}

/** Opens a log, which may fail as often as calls do. */
async function openedAtLast(fs: FaultyFileSystem, tries: number): Promise<Log> {
  for (let i = 0; i < tries; i++) {
    const log = await open(fs).catch(() => undefined)
    if (log !== undefined) return log
  }
  return open(fs)
}
