import { type FileHandle, open, rm } from 'node:fs/promises'
import { Wal, type WalEntry, type WalRecord } from '../../index.js'
import type { CommonOptions, Context } from '../context.js'
import { sizesOf } from '../database/database-files.js'
import { logDirectory, namesIn, SEGMENT_FILE } from '../database/location.js'
import { look } from '../database/look.js'
import { type EntryLine, jsonBytes, lineText, putLine } from '../entry-lines.js'
import { codeOf, errorLine, EXIT, Failure, leftOut } from '../failure.js'
import { bytes, count, counted, table } from '../table.js'
import { shownKey } from '../text.js'
import { type LogFindings, readLog, type ReadLogOptions } from './log-reading.js'

interface WalCommandOptions extends CommonOptions {
  readonly salvage?: string
}

/** Shows the log of a database, or a log alone, which is a directory of segments. */
export async function wal(
  context: Context,
  location: string,
  { wal: elsewhere, salvage, json }: WalCommandOptions
): Promise<number> {
  const { output } = context
  const names = await namesIn(location)
  const alone = names?.some(name => SEGMENT_FILE.test(name)) === true
  let tooLong = 0
  const onTooLong = ({ key }: WalRecord, error: unknown) => {
    tooLong++
    context.streams.stderr.write(errorLine(leftOut(shownKey(key), error), json))
  }
  const { sizes, findings } = await salvaging(salvage, onTooLong, options =>
    alone ? ofLogAlone(context, location, options) : ofDatabase(context, location, elsewhere, options)
  )
  const sizeOf = new Map(sizes.map(({ name, bytes: size }) => [Number.parseInt(name), size]))
  if (json) {
    const segments = findings.segments.map(segment => ({ ...segment, bytes: sizeOf.get(segment.segment) }))
    output.json({ ...findings, segmentFiles: sizes, segments })
  } else output.lines(shown(findings, sizes.length, sizeOf))
  return findings.damage.length + tooLong === 0 ? EXIT.ok : EXIT.problem
}

interface Read {
  readonly sizes: readonly { name: string; bytes: number }[]
  readonly findings: LogFindings
}

/** A log that is opened to be read only is neither locked nor written to: no copy of it is needed. */
async function ofLogAlone({ signal }: Context, directory: string, options: ReadLogOptions): Promise<Read> {
  const { segments } = await sizesOf(directory, directory)
  const findings = await readLog(
    async ({ recovery: mode }) => {
      const { wal: reader, recovery } = await Wal.open({ dir: directory, recovery: mode, readOnly: true, meter: false })
      return { reader, recovery, close: () => reader.close() }
    },
    signal,
    options
  )
  return { sizes: segments, findings }
}

/** A database's log is read through the database, whose marker says how envelopes in the log are guarded. */
function ofDatabase(
  { signal }: Context,
  location: string,
  elsewhere: string | undefined,
  options: ReadLogOptions
): Promise<Read> {
  return look(location, { wal: elsewhere, settle: false }, async ({ inspection, sizes: { segments } }) => {
    if (segments.length === 0)
      throw new Failure(`${logDirectory(location, elsewhere)} holds no log: there is nothing to read`)
    const findings = await readLog(mode => inspection.openLog(mode), signal, options)
    return { sizes: segments, findings }
  })
}

/** What the keys begin with that a store keeps for itself, and takes from nobody: docs/format.md. */
const RESERVED = Buffer.from('ff636b7600', 'hex')

async function salvaging<T>(
  path: string | undefined,
  onTooLong: (record: WalRecord, error: unknown) => void,
  use: (options: ReadLogOptions) => Promise<T>
): Promise<T> {
  if (path === undefined) return use({})
  const file = await createNew(path)
  const onEntry = async ({ record }: WalEntry) => {
    if (record.key.subarray(0, RESERVED.length).equals(RESERVED)) return
    let line: string
    try {
      line = lineText(lineOf(record))
    } catch (error) {
      return onTooLong(record, error)
    }
    await file.appendFile(`${line}\n`)
  }
  try {
    return await use({ snapshots: true, onEntry })
  } catch (error) {
    // If an empty file stayed, the corrected command would refuse to write over it.
    if ((await file.stat()).size === 0) await rm(path)
    throw error
  } finally {
    await file.close()
  }
}

async function createNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx')
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new Failure(`${path} exists already: pass the path of a new file`)
    throw error
  }
}

function lineOf(record: WalRecord): EntryLine {
  const { sequence } = record
  const key = jsonBytes(record.key)
  if (record.kind === 'put') return { sequence, ...putLine(record.key, record.value, record.expiresAt) }
  if (record.kind === 'delete') return { sequence, kind: 'delete', key }
  return { sequence, kind: 'clear', key, ...(record.end === undefined ? {} : { end: jsonBytes(record.end) }) }
}

function shown({ segments, records, torn, damage }: LogFindings, files: number, sizeOf: Map<number, number>): string[] {
  const rows = segments.map(segment => [
    String(segment.segment),
    bytes(sizeOf.get(segment.segment) ?? 0),
    count(segment.frames),
    count(segment.records),
    `${segment.firstSequence} – ${segment.lastSequence}`,
    `${segment.first.offset} – ${segment.last.offset}`
  ])
  return [
    ...(rows.length > 0 ? table([['segment', 'size', 'frames', 'records', 'sequence', 'offsets'], ...rows]) : []),
    `${counted(files, 'segment file')}, ${counted(records, 'record')}`,
    ...(torn > 0 ? [`a torn end of ${bytes(torn)}, as a crash leaves it: harmless`] : []),
    ...damage.map(what => `damaged: ${what}`)
  ]
}
