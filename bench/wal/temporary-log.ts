import { Wal, type WalOptions } from 'compressed-kv'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'

type LogSettings = Omit<WalOptions, 'dir'>

/** Runs `work` with a new log, which is closed and deleted afterwards. */
export async function inLog<T>(settings: LogSettings, work: (wal: Wal, directory: string) => Promise<T>): Promise<T> {
  return inTemporaryDirectory(async dir => {
    const { wal } = await Wal.open({ ...settings, dir })
    try {
      return await work(wal, dir)
    } finally {
      await wal.close()
    }
  })
}
