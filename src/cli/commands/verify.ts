import { type CommonOptions, type Context, withBar } from '../context.js'
import type { Database } from '../database/classic-level.js'
import { entriesOf, hasLog, type Look, look, replay } from '../database/look.js'
import { jsonBytes } from '../entry-lines.js'
import { codeOf, describe, EXIT } from '../failure.js'
import { bytes, counted } from '../table.js'
import { shownKey } from '../text.js'
import { type LogFindings, readLog } from './log-reading.js'

interface CorruptValue {
  readonly key: Buffer
  readonly why: string
}

/** Codes of LevelDB's errors for a block that is damaged, and for a table that is cut short. */
const UNREADABLE: ReadonlySet<string | undefined> = new Set(['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR'])

/** Corrupt values beyond this number are counted, but not listed. */
const MAX_LISTED = 10_000

export async function verify(context: Context, location: string, { wal, json }: CommonOptions): Promise<number> {
  const { output } = context
  const { values, corruptCount, corrupt, unreadable, log } = await look(
    location,
    { wal, settle: false },
    async looked => ({
      ...(await verifyValues(context, looked)),
      log: await verifyLog(looked, context.signal)
    })
  )
  const sound = corruptCount === 0 && unreadable === undefined && (log === undefined || log.damage.length === 0)
  if (json) {
    const listed = corrupt.map(({ key, why }) => ({ key: jsonBytes(key), why }))
    output.json({ sound, values, corruptValues: corruptCount, corrupt: listed, unreadable, log })
  } else {
    output.lines([
      ...corrupt.map(({ key, why }) => `${shownKey(key)}: ${why}`),
      ...(corruptCount > corrupt.length ? [`… and ${counted(corruptCount - corrupt.length, 'more value')}`] : []),
      ...(unreadable
        ? [`LevelDB cannot read all of its files, and does not say which keys are missing: ${unreadable}`]
        : []),
      ...(log?.damage ?? []).map(what => `log: ${what}`),
      ...(log?.torn ? [`log: a torn end of ${bytes(log.torn)}, as a crash leaves it: harmless`] : []),
      `${counted(values, 'value')} in the database${log ? `, ${counted(log.records, 'record')} in the log` : ''}: ` +
        (sound
          ? 'sound'
          : `corrupt. Restore a backup, or save what can be read with 'ckv export' and 'ckv wal --salvage'`)
    ])
  }
  return sound ? EXIT.ok : EXIT.problem
}

async function verifyValues(
  context: Context,
  looked: Look
): Promise<{ values: number; corruptCount: number; corrupt: CorruptValue[]; unreadable: string | undefined }> {
  const corrupt: CorruptValue[] = []
  let [values, corruptCount] = [0, 0]
  let unreadable = looked.dropped
  await withBar(context, 'Verifying', async bar => {
    try {
      for await (const entry of entriesOf(looked, bar, context.signal)) {
        values++
        try {
          await entry.value()
        } catch (error) {
          corruptCount++
          if (corrupt.length < MAX_LISTED) corrupt.push({ key: entry.key, why: describe(error).message })
        }
      }
    } catch (error) {
      if (!UNREADABLE.has(codeOf(error))) throw error
      unreadable = describe(error).message // LevelDB gives all entries that it can read first.
    }
  })
  return { values, corruptCount, corrupt, unreadable }
}

async function verifyLog(
  { database, inspection, marker, sizes }: Look,
  signal: AbortSignal
): Promise<Omit<LogFindings, 'segments'> | undefined> {
  if (!hasLog(marker, sizes)) return undefined
  const { records, torn, damage } = await readLog(options => inspection.openLog(options), signal)
  return { records, torn, damage: damage.length > 0 ? damage : await whyRefused(database) }
}

/** Why no store opens a log that is sound: it may be that of another database, or lack what this one needs. Empty if a store opens it. */
async function whyRefused(database: Database): Promise<string[]> {
  try {
    await replay(database)
    return []
  } catch (error) {
    const { code, message } = describe(error)
    if (code === 'LEVEL_CORRUPTION') return [message]
    throw error
  }
}
