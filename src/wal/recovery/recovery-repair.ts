import { basename } from 'node:path'
import { CODEC_ID } from '../../codec/codec.js'
import type { File, FileSystem } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed, payloadCrc, SEAL_BYTES, segmentSeed } from '../format/format.js'
import { encodeFrameHeader } from '../format/frame-header.js'
import type { SegmentEnd } from '../format/segment-header.js'
import type { WalObserver } from '../observer.js'
import { pieces } from '../segments/read-fully.js'
import { encodeSeal } from '../segments/seal.js'
import { draftPath, type LogDirectory, segmentPath, tornPath } from '../segments/segment-files.js'
import { writeAll } from '../segments/write-all.js'
import type { ScannedSegment } from './segment-scan.js'

interface Repair extends LogDirectory {
  readonly observer: WalObserver
}

/** Renames a segment whose header was never written completely, so that it no longer counts as a segment. */
export async function setAside({ fs, directory, observer }: Repair, id: number, bytes: number): Promise<void> {
  const keptIn = await freeTornPath(fs, directory, id)
  await fs.rename(segmentPath(directory, id), keptIn)
  await fs.syncDirectory(directory)
  observer.truncated(id, bytes, keptIn)
}

/**
 * Replaces the last segment of a log that was not closed by a sealed copy of its intact frames. It is copied because the system may show bytes
 * that are lost: bytes that it once failed to write look as if they were written until the machine is restarted.
 *
 * @returns how the segment ends now
 */
export async function sealCopy(repair: Repair, scanned: ScannedSegment): Promise<SegmentEnd> {
  const { fs, directory, observer } = repair
  const { id, intactBytes, size } = scanned
  const path = segmentPath(directory, id)
  const keptIn = intactBytes < size ? await freeTornPath(fs, directory, id) : undefined
  const seal = scanned.sealed ? undefined : sealOf(scanned)
  const source = await fs.open(path, 'read')
  try {
    // Before the torn bytes: if there is room for only one of the two, the next opening removes a draft that is left, but never torn bytes.
    await copyTo(fs, source, 0, intactBytes, draftPath(directory, id), seal?.bytes)
    if (keptIn !== undefined) {
      await copyTo(fs, source, intactBytes, size, keptIn)
      await fs.syncDirectory(directory)
    }
  } finally {
    await source.close()
  }
  await fs.rename(draftPath(directory, id), path)
  await fs.syncDirectory(directory)
  if (keptIn !== undefined) observer.truncated(id, size - intactBytes, keptIn)
  const { index, lastCrc } = scanned
  return {
    lastSequence: index.lastSequence,
    length: intactBytes + (seal?.bytes.length ?? 0),
    crc: seal?.crc ?? lastCrc
  }
}

/** A name that no file has yet: since the clock may have been set back, the time alone does not ensure that. */
async function freeTornPath(fs: FileSystem, directory: string, id: number): Promise<string> {
  const names = new Set(await fs.list(directory))
  let time = Date.now()
  while (names.has(basename(tornPath(directory, id, time)))) time++
  return tornPath(directory, id, time)
}

/** @param seal written after the bytes, when they are on stable storage, since it says that they are */
async function copyTo(
  fs: FileSystem,
  source: File,
  from: number,
  to: number,
  path: string,
  seal?: Buffer
): Promise<void> {
  const copy = await fs.open(path, 'create')
  try {
    for await (const { bytes, at } of pieces(source, from, to, 0)) await writeAll(copy, bytes, at - from)
    await copy.sync()
    if (seal === undefined) return
    await writeAll(copy, seal, to - from)
    await copy.sync()
  } catch (error) {
    await fs.remove(path).catch(() => {}) // The disk may be full: half a copy is of no use.
    throw error
  } finally {
    await copy.close()
  }
}

/** The seal frame that belongs after the intact frames of a segment, all of which are on stable storage. */
function sealOf(scanned: ScannedSegment): { bytes: Buffer; crc: number } {
  const { id, header, intactBytes, lastCrc, records } = scanned
  const { lastSequence } = scanned.index
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + SEAL_BYTES)
  const payload = bytes.subarray(FRAME_HEADER_BYTES)
  payload.set(encodeSeal({ records, lastSequence }))
  const seed = frameSeed(segmentSeed(header!.storeId, id), intactBytes)
  const crc = encodeFrameHeader(
    bytes,
    {
      type: FRAME_TYPE.seal,
      codecId: CODEC_ID.none,
      storedLength: SEAL_BYTES,
      rawLength: SEAL_BYTES,
      count: 0,
      firstSequence: lastSequence + 1,
      syncedOffset: intactBytes,
      previousCrc: lastCrc,
      payloadCrc: payloadCrc(payload, seed)
    },
    seed
  )
  return { bytes, crc }
}
