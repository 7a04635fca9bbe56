import { expect, test } from 'vitest'
import type { File } from '../../src/fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed, payloadCrc } from '../../src/wal/format/format.js'
import { encodeFrameHeader } from '../../src/wal/format/frame-header.js'
import { ChunkMemory, type Frame, FrameScanner } from '../../src/wal/reading/frame-scanner.js'
import { noise } from '../support/sample-values.js'

const SEED = 7
/** About those that a piece read at once, and the room before one, have. */
const LENGTHS = [1, 100, 60_000, 128 * 1024 - 100, 128 * 1024, 200_000, 1024 * 1024, 1_200_000]

interface Frames {
  readonly bytes: Buffer
  readonly ends: readonly number[]
}

/** One behind the other, from 0 on. */
function framesOf(lengths: readonly number[]): Frames {
  const parts: Buffer[] = []
  const ends: number[] = []
  let at = 0
  let previousCrc = 0
  for (const [i, storedLength] of lengths.entries()) {
    const stored = noise(storedLength, i + 1)
    const seed = frameSeed(SEED, at)
    const header = Buffer.alloc(FRAME_HEADER_BYTES)
    const fields = {
      codecId: 0,
      storedLength,
      rawLength: storedLength,
      count: 1,
      firstSequence: i + 1,
      syncedOffset: 0
    }
    previousCrc = encodeFrameHeader(
      header,
      { type: FRAME_TYPE.data, ...fields, previousCrc, payloadCrc: payloadCrc(stored, seed) },
      seed
    )
    parts.push(header, stored)
    ends.push((at += header.length + storedLength))
  }
  return { bytes: Buffer.concat(parts), ends }
}

/** Reads some of what is asked for, some turns later. */
function slowFile(bytes: Buffer, next: (below: number) => number): File {
  return {
    async read(into: Uint8Array, position: number) {
      for (let turns = next(4); turns > 0; turns--) await new Promise(setImmediate)
      return bytes.copy(into, 0, position, position + Math.ceil(into.length / (1 + next(2))))
    }
  } as unknown as File
}

function randomBelow(seed: number): (below: number) => number {
  let state = seed
  return below => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) % below
}

test.each([1, 2, 3, 4])('what is not released stays as it was, whatever is read meanwhile (%i)', async seed => {
  const next = randomBelow(seed)
  const memory = new ChunkMemory()
  const kept: { frame: Frame; scanner: FrameScanner; expected: Buffer }[] = []
  const check = ({ frame, expected }: (typeof kept)[0]) => expect(frame.stored.equals(expected)).toBe(true)
  const atEnds: unknown[] = []
  for (let segment = 0; segment < 4; segment++) {
    const lengths = Array.from({ length: 25 }, () => LENGTHS[next(next(3) === 0 ? LENGTHS.length : 5)]!)
    const { bytes, ends } = framesOf(lengths)
    const start = { offset: 0, previousCrc: 0, sequence: 1 }
    const scanner = new FrameScanner(slowFile(bytes, next), SEED, start, 0, memory)
    let grown = 0
    for (let i = 0; i < lengths.length; i++) {
      if (i === grown) {
        atEnds.push(await scanner.next())
        grown = Math.min(lengths.length, grown + 1 + next(12))
        scanner.extend(ends[grown - 1]!)
      }
      const frame = (await scanner.next()) as Frame
      expect(frame).not.toHaveProperty('badAt')
      kept.push({ frame, scanner, expected: bytes.subarray(ends[i]! - lengths[i]!, ends[i]) })
      kept.forEach(check)
      while (kept.length > next(6)) {
        const [done] = kept.splice(next(kept.length), 1)
        done!.scanner.release(done!.frame)
      }
    }
    scanner.end()
    kept.forEach(check)
  }
  expect(new Set(atEnds)).toEqual(new Set([undefined]))
})
