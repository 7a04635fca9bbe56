import type { File } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, readU64, SEAL_BYTES, writeU64 } from '../format/format.js'
import type { LogTail } from '../format/segment-header.js'
import { readPiece } from './read-fully.js'
import { type LogDirectory, segmentPath } from './segment-files.js'
import { writeAll } from './write-all.js'

/*
 * The payload of a seal:
 *
 *     offset  size
 *          0     8   records that the segment's data frames have
 *          8     8   last sequence number of the log
 */
const RECORDS_AT = 0
const LAST_SEQUENCE_AT = RECORDS_AT + 8

interface Seal {
  readonly records: number
  readonly lastSequence: number
}

export function encodeSeal({ records, lastSequence }: Seal): Buffer {
  const payload = Buffer.alloc(SEAL_BYTES)
  writeU64(payload, records, RECORDS_AT)
  writeU64(payload, lastSequence, LAST_SEQUENCE_AT)
  return payload
}

export function decodeSeal(payload: Buffer): Seal {
  return { records: readU64(payload, RECORDS_AT), lastSequence: readU64(payload, LAST_SEQUENCE_AT) }
}

/**
 * Puts the seal of the last segment on stable storage, before another segment relies on it. The process that wrote it may have been killed
 * before its fsync, or the fsync may have failed. Since the system takes the bytes for written then, they are written once more.
 *
 * @param onFailed called when the seal may not be on stable storage. After any other error nothing has changed, and this can be tried again
 */
export async function syncSeal(
  { fs, directory }: LogDirectory,
  { segment, end }: LogTail,
  onFailed: (error: unknown) => never
): Promise<void> {
  if (segment === 0) return
  const sealAt = end.length - FRAME_HEADER_BYTES - SEAL_BYTES
  const file = await fs.open(segmentPath(directory, segment), 'write')
  try {
    const seal = await readPiece(file, sealAt, FRAME_HEADER_BYTES + SEAL_BYTES)
    try {
      await writeAll(file, seal, sealAt)
      await file.sync()
    } catch (error) {
      await removeSeal(file, sealAt)
      onFailed(error)
    }
  } finally {
    await file.close()
  }
}

/**
 * Cuts off a seal that may not be on stable storage, though the system shows it. Without a seal, the next opening copies the segment. An error
 * is ignored, since the disk is failing already.
 */
export async function removeSeal(file: File, sealAt: number): Promise<void> {
  await file.truncate(sealAt).catch(() => {})
}
