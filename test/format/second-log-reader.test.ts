import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Record, Wal } from 'compressed-kv'
import { describe, expect, test } from 'vitest'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { readLog } from './second-log-reader.js'

type Found = Awaited<ReturnType<typeof readLog>>
type FoundFrame = Found['segments'][number]['frames'][number]
type SegmentFixture = { file: string; id: number; bytes: number; frames: { offset: number }[] }

const SEGMENT_HEADER_BYTES = 80

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const FIXTURES = here('fixtures/log-v1')
const { segments: fixtures } = JSON.parse(readFileSync(join(FIXTURES, 'log.json'), 'utf8')) as {
  segments: SegmentFixture[]
}

describe('a reader of logs written from docs/format.md alone', () => {
  test('has at most 150 lines', () => {
    const source = readFileSync(here('second-log-reader.ts'), 'utf8')
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  test('finds in the golden log what is in it', async () => {
    const found = await readLog(FIXTURES)
    expect(described(found)).toEqual(fixtures)
    expect(found.torn).toBeNull()
  })

  test.each(fixtures.slice(0, -1))('refuses a flipped bit: $file', async segment => {
    const [, next] = fixtures.slice(fixtures.indexOf(segment))
    const undetected: number[] = []
    for await (const { bit, directory } of everyFlip(segment, next!)) {
      if (await readLog(directory).catch(() => null)) undetected.push(bit)
    }
    expect(undetected).toEqual([])
  })

  test('refuses or reports as torn a flipped bit in the last segment, which has no seal', async () => {
    const last = fixtures.at(-1)!
    const outcomes = { refused: 0, torn: 0 }
    for await (const { bit, directory } of everyFlip(last)) {
      const found = await readLog(directory).catch(() => null)
      outcomes[found ? 'torn' : 'refused']++
      if (!found) continue
      const [{ frames }] = described(found) as [SegmentFixture]
      expect(frames, `bit ${bit}`).toEqual(last.frames.slice(0, frames.length))
      expect(found.torn, `bit ${bit}`).toEqual({ file: last.file, offset: last.frames[frames.length]?.offset })
    }
    expect(outcomes.refused).toBeGreaterThan(0)
    expect(outcomes.torn).toBeGreaterThan(0)
  })

  test.each(['none', 'lz4', 'zstd'] as const)('reads a log that the library writes now: %s', async codec => {
    const dir = temporaryDirectory()
    const { wal } = await Wal.open({ dir, codec, segmentBytes: 4096, blockBytes: 2048 })
    for (let i = 0; i < 10; i++) {
      await wal.append(Record.put(`text ${i}`, text(100 + 700 * i)))
      await wal.append(Record.put(`noise ${i}`, noise(500 + i, i + 1), { ttl: 60_000 + i }))
      await wal.append(Record.delete(`text ${i - 1}`))
      await wal.append(Record.put(`lz4 ${i}`, text(2000), { codec: 'lz4' }))
      await wal.append(Record.put(`zstd ${i}`, text(3000), { codec: 'zstd', ttl: 1000 }))
      await wal.appendBatch([Record.put('a', text(90)), Record.delete('b'), Record.put('c', '', { ttl: 5 })])
    }
    const written = []
    for await (const { record } of wal.read()) {
      const { kind, value, expiresAt, sequence } = record
      written.push({
        kind,
        key: hex(record.key),
        value: value ? hex(value) : null,
        expiresAt: expiresAt ?? null,
        sequence
      })
    }
    await wal.close()

    const found = await readLog(dir)
    expect(found.torn).toBeNull()
    expect(found.segments.length).toBeGreaterThan(1)
    expect(found.segments.every(({ end }) => end !== null)).toBe(true)
    expect(written).toHaveLength(80)
    const frames = found.segments.flatMap(segment => segment.frames)
    expect(frames.flatMap(numberedRecords)).toEqual(written)
    const records = frames.flatMap(frame => ('records' in frame ? frame.records : []))
    expect(records.filter(({ envelope }) => envelope).length).toBeGreaterThanOrEqual(20)
    expect(records.filter(({ more }) => more)).toHaveLength(20)
    const id = { none: 0, lz4: 1, zstd: 2 }[codec]
    expect(new Set(frames.map(frame => frame.codec))).toEqual(new Set([0, id]))
  })
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** In the form of log.json. */
function described({ segments }: Found): unknown {
  return segments.map(({ file, id, bytes, frames }) => ({ file, id, bytes, frames: frames.map(describedFrame) }))
}

function describedFrame(frame: FoundFrame) {
  const { offset, type, codec, rawLength, firstSequence, syncedOffset } = frame
  const content = 'records' in frame ? { records: frame.records.map(inHex) } : { numbers: frame.numbers }
  return { offset, type, codec, rawLength, firstSequence, syncedOffset, ...content }
}

function inHex(record: object): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, value instanceof Uint8Array ? hex(value) : value])
  )
}

function numberedRecords(frame: FoundFrame) {
  if (frame.type !== 'data' || !('records' in frame)) return []
  return frame.records.map((record, i) => {
    const { kind, key, value, expiresAt } = inHex(record)
    return { kind, key, value, expiresAt, sequence: frame.firstSequence + i }
  })
}

/** A log of these segments alone, the first of them with a bit flipped: every bit of its header, and a sample of the others. */
async function* everyFlip(segment: SegmentFixture, ...others: SegmentFixture[]) {
  const directory = temporaryDirectory()
  for (const { file } of others) cpSync(join(FIXTURES, file), join(directory, file))
  const bytes = readFileSync(join(FIXTURES, segment.file))
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if (bit % 29 !== 0 && bit >= SEGMENT_HEADER_BYTES * 8) continue
    await new Promise(resolve => setImmediate(resolve)) // The test runner wants to hear of its worker.
    bytes[bit >>> 3]! ^= 1 << (bit & 7)
    writeFileSync(join(directory, segment.file), bytes)
    yield { bit, directory }
    bytes[bit >>> 3]! ^= 1 << (bit & 7)
  }
}
