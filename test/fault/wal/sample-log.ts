import { Record } from '../../../src/wal/format/record.js'
import type { WalOptions } from '../../../src/wal/options.js'
import type { Wal } from '../../../src/wal/wal.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { filesOf, openLog, putLine } from './log-disk.js'

/** A frame of a log that was made: where it lies, and the records in it, as lines. */
export interface SampleFrame {
  readonly segment: number
  readonly from: number
  readonly to: number
  /** Bytes of its segment that had been put on stable storage when it was written. */
  readonly vouchesFor: number
  readonly lines: readonly string[]
}

/** A log that was made, with what is known of it. */
export interface SampleLog {
  readonly files: Readonly<Record<string, Buffer>>
  readonly frames: readonly SampleFrame[]
  readonly lines: readonly string[]
}

interface SampleOptions extends WalOptions {
  /** How many records each frame gets, one batch each. */
  readonly batches: readonly number[]
  /** Frames, by index, after which everything is put on stable storage. */
  readonly syncAfter?: readonly number[]
  /** Whether it is closed at the end, or left as a process that is killed leaves it. */
  readonly closed: boolean
  /** Begins every value: tells one log from another. */
  readonly label?: string
}

/** Makes a log, one frame for each batch. */
export async function sampleLog(options: SampleOptions): Promise<SampleLog> {
  const { batches, syncAfter = [], closed, label = 'v', ...walOptions } = options
  const fs = new CrashableFileSystem()
  const { wal } = await openLog(fs, walOptions)
  const frames = await appendFrames(wal, { batches, syncAfter, label })
  if (closed) await wal.close()
  return { files: filesOf(fs), frames, lines: frames.flatMap(({ lines }) => lines) }
}

/** Appends frames to a log that is open; the sequence numbers go on from where it is. */
export async function appendFrames(
  wal: Wal,
  { batches, syncAfter = [], label }: Pick<SampleOptions, 'batches' | 'syncAfter'> & { readonly label: string }
): Promise<SampleFrame[]> {
  const frames: SampleFrame[] = []
  let synced = { segment: 0, offset: 0 }
  for (const [i, count] of batches.entries()) {
    const first = wal.nextSequence
    const entries = Array.from({ length: count }, (_, j) => [`k${first + j}`, `${label}${first + j}`] as const)
    const [position] = await wal.appendBatch(entries.map(([key, value]) => Record.put(key, value)))
    const { segment, offset } = position!
    frames.push({
      segment,
      from: offset,
      to: wal.position.offset,
      vouchesFor: synced.segment === segment ? synced.offset : 0,
      lines: entries.map(([key, value], j) => putLine(first + j, key, value))
    })
    if (!syncAfter.includes(i)) continue
    await wal.sync()
    synced = { segment, offset: wal.position.offset }
  }
  return frames
}

/** The lines of the frames that lie whole below an offset of a segment, and of all segments before it. */
export function linesBelow(frames: readonly SampleFrame[], segment: number, offset: number): string[] {
  return frames
    .filter(frame => frame.segment < segment || (frame.segment === segment && frame.to <= offset))
    .flatMap(({ lines }) => lines)
}

/** Where the last frame of a segment that lies whole below an offset ends; the end of its header if none does. */
export function endBelow(frames: readonly SampleFrame[], segment: number, offset: number, headerBytes: number): number {
  const ends = frames.filter(frame => frame.segment === segment && frame.to <= offset).map(({ to }) => to)
  return Math.max(headerBytes, ...ends)
}
