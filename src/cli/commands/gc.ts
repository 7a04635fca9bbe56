import { type CodecName, type GcProgress, type GcReport, Lz4Gc, NoGc, ZstdGc } from '../../index.js'
import { type CommonOptions, type Context, withBar } from '../context.js'
import type { Database } from '../database/classic-level.js'
import { sizesOf } from '../database/database-files.js'
import { writeTo } from '../database/writing.js'
import { EXIT, WrongUsage } from '../failure.js'
import { bytes, count, table } from '../table.js'

interface GcCommandOptions extends CommonOptions {
  readonly policy: CodecName
  readonly level?: number
  readonly bytesPerSecond?: number
  readonly force?: boolean
  readonly wrap?: boolean
}

export async function gc(
  context: Context,
  location: string,
  { policy, level, bytesPerSecond, force, wrap, wal, json }: GcCommandOptions
): Promise<number> {
  if (level !== undefined && policy !== 'zstd') throw new WrongUsage('--level is for --policy zstd only')
  const { signal, output } = context
  const chosen = policy === 'lz4' ? new Lz4Gc() : policy === 'none' ? new NoGc() : new ZstdGc({ level })
  const before = await bytesOnDisk(location)
  const report = await writeTo(location, { wal, create: false, wrap }, store =>
    withBar(context, 'Sweeping', async bar => {
      await bar.over(store.backend as unknown as Database)
      const onProgress = ({ lastKey }: GcProgress) => {
        // A progress bar that fails is no reason to stop.
        if (lastKey !== undefined) bar.at(lastKey).catch(() => {})
      }
      return store.gc.run({ policy: chosen, bytesPerSecond, force, signal, onProgress })
    })
  )
  const onDisk = { before, after: await bytesOnDisk(location) }
  if (json) output.json({ ...report, bytesOnDisk: onDisk })
  else output.lines(shown(report, onDisk))
  if (!report.complete) return EXIT.interrupted
  return report.failed > 0 ? EXIT.problem : EXIT.ok
}

interface BytesOnDisk {
  readonly before: number
  readonly after: number
}

/** Bytes of LevelDB's files. They may grow where stored values shrink, since LevelDB compresses whole blocks of values. */
async function bytesOnDisk(location: string): Promise<number> {
  const { tables, others } = await sizesOf(location, undefined)
  return tables + others
}

function shown(report: GcReport, onDisk: BytesOnDisk): string[] {
  const { bytesBefore, bytesAfter, seconds, complete, failed, lastError } = report
  const names = ['scanned', 'recompressed', 'probed', 'expired', 'enveloped', 'failed'] as const
  return [
    ...table(names.map(name => [name, count(report[name])])),
    `stored values: ${bytes(bytesBefore)} before, ${bytes(bytesAfter)} now; ${seconds.toFixed(1)} s`,
    `LevelDB's files: ${bytes(onDisk.before)} before, ${bytes(onDisk.after)} now`,
    ...(failed > 0 ? [`the error of the last value that failed: ${String(lastError)}; 'ckv verify' lists all`] : []),
    ...(complete ? [] : ['interrupted: the next run with this policy goes on where this one stopped'])
  ]
}
