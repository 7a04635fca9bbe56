import { Record, Wal, type WalOptions } from '../../src/index.js'

/** Appends awaited together. */
const TOGETHER = 2000

export interface SmallRecordsReport {
  readonly read: number
  /** How far the memory of the process grew at most, in bytes, beyond what it took when warm. */
  readonly growth: number
  readonly progress: number
}

/** Writes, opens and reads `count` records of about 100 bytes, and watches the memory of the process. */
export async function smallRecords(count: number, options: WalOptions): Promise<SmallRecordsReport> {
  await write(Math.min(count, 50_000), { ...options, dir: `${options.dir}/warm` })
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let most = before
  const watch = () => {
    most = Math.max(most, process.memoryUsage().rss)
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
    if (read % 20_000 === 0) watch()
  }
  for (let i = 0; i < 2000; i++) {
    const sequence = 1 + ((i * 7919) % count)
    if ((await wal.get(sequence)).key.toString() !== keyOf(sequence - 1)) throw new Error(`get(${sequence}) is wrong`)
  }
  watch()
  await wal.close()
  return { read, growth: most - before, progress }
}

async function write(count: number, options: WalOptions, watch = () => {}): Promise<void> {
  const { wal } = await Wal.open(options)
  for (let done = 0; done < count;) {
    const appends: Promise<unknown>[] = []
    for (const end = Math.min(count, done + TOGETHER); done < end; done++) {
      appends.push(wal.append(Record.put(keyOf(done), `${done}`.repeat(12))))
    }
    await Promise.all(appends)
    if (done % (10 * TOGETHER) === 0) watch()
  }
  await wal.close()
}

function keyOf(i: number): string {
  return `key-${i}`
}
