import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Record, Wal } from '../../src/index.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { digests, killed, newLocation, someEntries } from './databases.js'
import { ckv, json } from './run.js'

interface Found {
  records: number
  torn: number
  damage: string[]
  segments: {
    segment: number
    bytes: number
    frames: number
    records: number
    firstSequence: number
    lastSequence: number
  }[]
}

/** A log alone, of several segments. */
async function logAlone(): Promise<string> {
  const dir = temporaryDirectory()
  const { wal } = await Wal.open({
    dir,
    codec: 'none',
    blockBytes: 1024,
    segmentBytes: 2000,
    fsync: 'always',
    meter: false
  })
  for (let i = 0; i < 10; i++) await wal.append(Record.put(`k${i}`, text(500)))
  await wal.append(Record.delete('k3'))
  await wal.close()
  return dir
}

describe('ckv wal', () => {
  it('shows segments, frames and positions of a log alone, which stays as it is', async () => {
    const dir = await logAlone()
    const before = digests(dir)
    const { segments, records, damage } = await json<Found>(['wal', dir])
    expect([records, damage]).toEqual([11, []])
    expect(segments.length).toBeGreaterThan(2)
    expect(segments[0]).toMatchObject({ segment: 1, firstSequence: 1, first: { offset: 80, index: 0 } })
    expect(segments.reduce((sum, { frames }) => sum + frames, 0)).toBe(11)
    expect(segments.at(-1)!.lastSequence).toBe(11)
    const { lines } = await ckv(['wal', dir])
    expect(lines[0]).toMatch(/^segment +size +frames +records +sequence +offsets$/)
    expect(digests(dir)).toEqual(before)
  })

  it('--salvage writes what can be read of a store’s log, as lines that import takes', async () => {
    const location = await killed()
    const out = join(temporaryDirectory(), 'salvaged.jsonl')
    expect((await ckv(['wal', location, '--salvage', out])).code).toBe(0)
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    expect(lines.length).toBe(30)
    const again = newLocation()
    await ckv(['import', again], { stdin: readFileSync(out) })
    const [key, value] = someEntries()[10]!
    expect((await ckv(['get', again, key, '--raw'])).stdout.equals(value)).toBe(true)
    const refused = await ckv(['wal', location, '--salvage', out])
    expect([refused.code, refused.err.includes('exists')]).toEqual([1, true])
  })

  it('reads values that are guarded envelopes in the log, as large ones are', async () => {
    const location = await killed([['large', text(300_000)]])
    const out = join(temporaryDirectory(), 'salvaged.jsonl')
    expect((await ckv(['wal', location, '--salvage', out])).code).toBe(0)
    const last = readFileSync(out, 'utf8').trimEnd().split('\n').at(-1)!
    expect(JSON.parse(last)).toMatchObject({ key: 'large', value: text(300_000).toString() })
    expect((await ckv(['verify', location])).code).toBe(0)
  })

  it('goes around damage, which it names: 1', async () => {
    const dir = await logAlone()
    const path = join(dir, '000002.wal')
    const bytes = readFileSync(path)
    bytes[Math.floor(bytes.length / 3)]! ^= 1
    writeFileSync(path, bytes)
    const { code, out: printed } = await ckv(['wal', dir, '--salvage', join(temporaryDirectory(), 'out')])
    expect(code).toBe(1)
    expect(printed).toMatch(/10 records[^]*damaged: segment 2, bytes \d+ to \d+/)
  })

  it('a deletion that was salvaged is a deletion when it is imported', async () => {
    const [dir, location] = [await logAlone(), newLocation()]
    const out = join(temporaryDirectory(), 'out')
    await ckv(['wal', dir, '--salvage', out])
    await ckv(['import', location], { stdin: readFileSync(out) })
    expect((await ckv(['ls', location])).lines).toEqual(['k0', 'k1', 'k2', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9'])
  })
})
