import { type LogDirectory, segmentPath } from '../segments/segment-files.js'

/** How far the opening of a log has come. */
export interface WalProgress {
  readonly phase: 'recovery'
  /** Bytes of segment files that have been read and checked. */
  readonly bytesDone: number
  /** Bytes of all segment files. */
  readonly bytesTotal: number
  /** Records in the segments that are done. */
  readonly records: number
}

/** Progress is reported at least every this many bytes. */
const PROGRESS_BYTES = 16 * 1024 * 1024

interface Source extends LogDirectory {
  readonly onProgress: ((progress: WalProgress) => void) | undefined
}

export interface Progress {
  inSegment(bytes: number): void
  segmentDone(bytes: number, records: number): void
}

export async function progressOf({ fs, directory, onProgress }: Source, ids: readonly number[]): Promise<Progress> {
  if (onProgress === undefined) return { inSegment: () => {}, segmentDone: () => {} }
  let bytesTotal = 0
  for (const id of ids) {
    const file = await fs.open(segmentPath(directory, id), 'read')
    try {
      bytesTotal += await file.size()
    } finally {
      await file.close()
    }
  }
  let done = 0
  let reported = 0
  let records = 0
  const report = (bytesDone: number) => {
    reported = bytesDone
    bytesTotal = Math.max(bytesTotal, bytesDone) // Without a lock, another process may be appending meanwhile.
    onProgress({ phase: 'recovery', bytesDone, bytesTotal, records })
  }
  return {
    inSegment: bytes => {
      if (done + bytes - reported >= PROGRESS_BYTES) report(done + bytes)
    },
    segmentDone: (bytes, more) => {
      done += bytes
      records += more
      report(done)
    }
  }
}
