import { Record, Wal, type WalOptions } from '../../src/index.js'
import { collectGarbage } from '../support/collect-garbage.js'

/** Appends awaited together. */
const TOGETHER = 2000
/** Records between two looks at the memory. */
const WATCHED_EVERY = 25 * TOGETHER

interface SmallRecordsReport {
  readonly read: number
  /** How far what JavaScript holds grew at most, in bytes: heap and buffers that a collection of garbage leaves. */
  readonly heldGrowth: number
  /** How far the resident memory grew at most, in bytes. Some of it is the garbage that V8 lets lie: on Node.js 24, 100 MB and more. */
  readonly residentGrowth: number
  readonly progress: number
}

/** Writes, opens and reads `count` records of about 100 bytes, and watches the memory of the process beyond what it took when warm. */
export async function smallRecords(count: number, options: WalOptions): Promise<SmallRecordsReport> {
  await write(Math.min(count, 50_000), { ...options, dir: `${options.dir}/warm` })
  const before = memory()
  let [mostHeld, mostResident] = [before.held, before.resident]
  const watch = () => {
    const { held, resident } = memory()
    mostHeld = Math.max(mostHeld, held)
    mostResident = Math.max(mostResident, resident)
  }
  const settings = { ...options, dir: `${options.dir}/all` }
  await write(count, settings, watch)

  let progress = 0
  const { wal, recovery } = await Wal.open({ ...settings, onProgress: () => progress++ })
  watch()
  if (recovery.records !== count) throw new Error(`${recovery.records} records recovered, not ${count}`)
  let read = 0
  for await (const { record } of wal.read()) {
    if (record.sequence !== ++read) throw new Error(`Record ${record.sequence} came as number ${read}`)
    if (read % WATCHED_EVERY === 0) watch()
  }
  for (let i = 0; i < 2000; i++) {
    const sequence = 1 + ((i * 7919) % count)
    if ((await wal.get(sequence)).key.toString() !== keyOf(sequence - 1)) throw new Error(`get(${sequence}) is wrong`)
  }
  watch()
  await wal.close()
  return { read, heldGrowth: mostHeld - before.held, residentGrowth: mostResident - before.resident, progress }
}

function memory() {
  const resident = process.memoryUsage().rss
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return { held: heapUsed + external, resident }
}

async function write(count: number, options: WalOptions, watch = () => {}): Promise<void> {
  const { wal } = await Wal.open(options)
  for (let done = 0; done < count;) {
    const appends: Promise<unknown>[] = []
    for (const end = Math.min(count, done + TOGETHER); done < end; done++) {
      appends.push(wal.append(Record.put(keyOf(done), `${done}`.repeat(12))))
    }
    await Promise.all(appends)
    if (done % WATCHED_EVERY === 0) watch()
  }
  await wal.close()
}

function keyOf(i: number): string {
  return `key-${i}`
}
