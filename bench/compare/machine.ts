import { cpus, release, totalmem } from 'node:os'
import { rawWriteTime, inRawFile } from '../wal/raw-file.js'

/** The machine that the figures were measured on, and what its bare disk does. */
export interface Machine {
  readonly node: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** Large writes with one fdatasync at the end. */
  readonly rawDiskMBs: number
  /** One write of 1 KiB and one fdatasync, over and over. */
  readonly rawSyncsPerSecond: number
}

const RAW_BYTES = 128 * 1024 * 1024
const SYNC_MS = 400

export async function describeMachine(payload: Buffer): Promise<Machine> {
  return {
    node: process.version,
    platform: `${process.platform} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    rawDiskMBs: RAW_BYTES / 1e3 / (await rawWriteTime(payload, RAW_BYTES, 'fdatasync')),
    rawSyncsPerSecond: await syncsPerSecond(payload.subarray(0, 1024))
  }
}

async function syncsPerSecond(record: Uint8Array): Promise<number> {
  return inRawFile(async file => {
    const start = performance.now()
    let syncs = 0
    do {
      file.write(record)
      await file.sync()
      syncs++
    } while (performance.now() - start < SYNC_MS)
    return (syncs * 1000) / (performance.now() - start)
  })
}
