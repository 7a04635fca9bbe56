import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { sealCompressed } from '../../src/envelope/seal.js'
import { CompressedKvStore, Record, Wal } from '../../src/index.js'
import { sealedPut } from '../../src/wal/format/record.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { bare, digests, killed, newLocation, someEntries, withStore } from './databases.js'
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

/** A put whose value is no envelope, and one whose codec nobody has registered. */
const unreadable = (key: string) => sealedPut(Buffer.from(key), Buffer.from([1]))
const ofUnknownCodec = (key: string) => {
  const sealing = { guard: NO_GUARD, mayOmitChecksum: false }
  return sealedPut(Buffer.from(key), sealCompressed(199, Buffer.from('?'), 100, sealing)!)
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

  it('--salvage keeps the time at which a value expires, also of an envelope in the log, of a database or alone', async () => {
    const location = newLocation()
    await withStore(location, { memtable: false }, async store => {
      await store.put('a', text(1000), { ttl: 1_000_000 })
      const before = Number(JSON.parse((await ckv(['get', location, 'a', '--json'])).out).expiresAt)
      for (const source of [location, join(location, 'ckv-wal')]) {
        const out = join(temporaryDirectory(), 'salvaged.jsonl')
        expect((await ckv(['wal', source, '--salvage', out])).code).toBe(0)
        expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ key: 'a', expiresAt: before })
      }
    })
  })

  it('--salvage leaves no empty file if there is no log to read, and a file that exists as it is', async () => {
    const out = join(temporaryDirectory(), 'salvaged.jsonl')
    for (const location of [newLocation(), await bare()]) {
      expect((await ckv(['wal', location, '--salvage', out])).code).toBe(1)
      expect(existsSync(out)).toBe(false)
    }
    writeFileSync(out, '')
    expect((await ckv(['wal', newLocation(), '--salvage', out])).err).toContain('exists')
    expect(existsSync(out)).toBe(true)
  })

  it('reads what lies around damage, and names the damage: exit code 1', async () => {
    const dir = await logAlone()
    const path = join(dir, '000002.wal')
    const bytes = readFileSync(path)
    bytes[Math.floor(bytes.length / 3)]! ^= 1
    writeFileSync(path, bytes)
    const { code, out: printed } = await ckv(['wal', dir, '--salvage', join(temporaryDirectory(), 'out')])
    expect(code).toBe(1)
    expect(printed).toMatch(/10 records[^]*damaged: segment 2, bytes \d+ to \d+/)
  })

  it('names a segment that is missing, without bytes of it', async () => {
    const dir = await logAlone()
    rmSync(join(dir, '000002.wal'))
    const { damage } = await json<Found>(['wal', dir])
    expect(damage.at(-1)).toBe('segment 2: the segment is missing')
  })

  it('reads all but the records whose own envelopes it cannot open, also if they are the first, and names those: exit code 1', async () => {
    const dir = temporaryDirectory()
    const { wal } = await Wal.open({ dir, meter: false })
    const records = [unreadable('a'), Record.put('b', '1'), ofUnknownCodec('c'), Record.put('d', '2'), unreadable('e')]
    for (const record of records) await wal.append(record)
    await wal.close()
    const out = join(temporaryDirectory(), 'salvaged.jsonl')
    const { code, lines } = await ckv(['wal', dir, '--salvage', out])
    expect(code).toBe(1)
    expect(lines.filter(line => line.startsWith('damaged'))).toEqual([
      expect.stringMatching(/^damaged: record 1: Corrupt data/),
      expect.stringMatching(/^damaged: record 3: .*codec/),
      expect.stringMatching(/^damaged: record 5: Corrupt data/)
    ])
    expect(lines).toContain('1 segment file, 2 records')
    const salvaged = readFileSync(out, 'utf8').trimEnd().split('\n')
    expect(salvaged.map(line => (JSON.parse(line) as { key: string }).key)).toEqual(['b', 'd'])
  })

  it('reads what lies around such a record and a lost segment behind it', async () => {
    const dir = temporaryDirectory()
    const { wal } = await Wal.open({
      dir,
      codec: 'none',
      blockBytes: 1024,
      segmentBytes: 1300,
      fsync: 'always',
      meter: false
    })
    const records = [
      Record.put('a', text(900)),
      unreadable('b'),
      Record.put('c', text(900)),
      Record.put('d', text(900))
    ]
    for (const record of records) await wal.append(record)
    await wal.close()
    const path = join(dir, '000002.wal')
    const bytes = readFileSync(path)
    bytes.fill(0, 100) // Of the segment only the header is left.
    writeFileSync(path, bytes)
    const out = join(temporaryDirectory(), 'salvaged.jsonl')
    const { code, lines } = await ckv(['wal', dir, '--salvage', out])
    expect([code, lines.some(line => line.startsWith('damaged: record 2: Corrupt data'))]).toEqual([1, true])
    const salvaged = readFileSync(out, 'utf8').trimEnd().split('\n')
    expect(salvaged.map(line => (JSON.parse(line) as { key: string }).key)).toEqual(['a', 'd'])
  })

  it('--salvage writes the entries of snapshots, of a sound log and of a damaged one', async () => {
    const dir = temporaryDirectory()
    const wal = { dir, codec: 'none', blockBytes: 1024, segmentBytes: 4000, meter: false } as const
    const store = new CompressedKvStore<string, Buffer>(new MemoryLevel({ valueEncoding: 'buffer' }), {
      wal,
      memtable: false
    })
    const names = Array.from({ length: 30 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    for (const name of names) await store.put(name, text(500))
    await store.close()
    const files = readdirSync(dir).filter(name => name.endsWith('.wal'))
    expect(files).not.toContain('000001.wal')
    const salvaged = async (code: number) => {
      const [out, location] = [join(temporaryDirectory(), 'out'), newLocation()]
      expect((await ckv(['wal', dir, '--salvage', out])).code).toBe(code)
      expect((await ckv(['import', location], { stdin: readFileSync(out) })).code).toBe(0)
      return (await ckv(['ls', location])).lines
    }
    expect(await salvaged(0)).toEqual(names)
    const last = join(dir, files.at(-1)!)
    const bytes = readFileSync(last)
    bytes[bytes.length - 64 - 30]! ^= 1
    writeFileSync(last, bytes)
    const left = await salvaged(1)
    expect(names.filter(name => !left.includes(name)).length).toBeLessThanOrEqual(1)
    const { segments } = await json<Found>(['wal', dir])
    expect(segments.map(({ segment }) => segment)).toEqual(files.map(name => Number.parseInt(name, 10)))
  })

  it('--salvage of a log that is only half a header finds nothing: exit code 0', async () => {
    const dir = temporaryDirectory()
    writeFileSync(join(dir, '000001.wal'), Buffer.alloc(10))
    expect((await ckv(['wal', dir, '--salvage', join(temporaryDirectory(), 'out')])).code).toBe(0)
  })

  it('a range that was salvaged ends where it ended when it is imported', async () => {
    const source = await bare()
    const [copy, location] = [temporaryDirectory(), newLocation()]
    await withStore(source, { memtable: { flushIntervalMs: Infinity } }, async store => {
      for (const key of ['a', 'b', 'c']) await store.put(key, Buffer.from('1'))
      await store.clear({ gte: 'b', lt: 'c' })
      await store.sync()
      cpSync(source, copy, { recursive: true })
    })
    const out = join(temporaryDirectory(), 'out')
    expect((await ckv(['wal', copy, '--salvage', out])).code).toBe(0)
    expect((await ckv(['import', location], { stdin: readFileSync(out) })).code).toBe(0)
    expect((await ckv(['ls', location])).lines).toEqual(['a', 'c'])
  })

  it('a deletion that was salvaged is a deletion when it is imported', async () => {
    const [dir, location] = [await logAlone(), newLocation()]
    const out = join(temporaryDirectory(), 'out')
    await ckv(['wal', dir, '--salvage', out])
    await ckv(['import', location], { stdin: readFileSync(out) })
    expect((await ckv(['ls', location])).lines).toEqual(['k0', 'k1', 'k2', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9'])
  })
})
