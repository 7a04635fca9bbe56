import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { main } from '../../src/cli/command-line.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { sealCompressed } from '../../src/envelope/seal.js'
import { Record, Wal } from '../../src/index.js'
import { sealedPut } from '../../src/wal/format/record.js'
import {
  bare,
  bareLevel,
  damageLog,
  killed,
  newLocation,
  putAll,
  segmentOf,
  someEntries,
  withStore,
  wrapped
} from './databases.js'
import { ckv, json } from './run.js'

interface Findings {
  sound: boolean
  values: number
  corruptValues: number
  corrupt: { key: unknown; why: string }[]
  log?: { records: number; torn: number; damage: string[] }
}

/** Flips a bit in the middle of what is stored under a key. */
async function damage(location: string, key: string): Promise<void> {
  const level = bareLevel(location)
  const stored = (await level.get(key))!
  stored[stored.length >> 1]! ^= 1
  await level.put(key, stored)
  await level.close()
}

async function writeOtherLog(segment: string): Promise<void> {
  cpSync(segmentOf(await killed()), segment)
}

describe('ckv verify', () => {
  it('a sound database: exit code 0', async () => {
    for (const location of [await wrapped(), await killed()]) {
      const { code, out } = await ckv(['verify', location])
      expect(code).toBe(0)
      expect(out).toMatch(/values?.*: sound$/)
    }
  })

  it('lists what is corrupt by key: exit code 1', async () => {
    const location = await wrapped()
    await damage(location, 'user:015')
    await damage(location, 'order:020')
    const { code, lines } = await ckv(['verify', location])
    expect(code).toBe(1)
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^order:020: Corrupt data/),
      expect.stringMatching(/^user:015: Corrupt data/)
    ])
    const found = await json<Findings>(['verify', location])
    expect(found).toMatchObject({ sound: false, values: 30, corruptValues: 2 })
    expect(found.corrupt.map(({ key }) => key)).toEqual(['order:020', 'user:015'])
  })

  it('corrupt values: exit code 1, even if nobody reads the list to its end', async () => {
    const location = await wrapped()
    const level = bareLevel(location)
    const keys = Array.from({ length: 2000 }, (_, i) => `user:${i}`)
    await level.batch(keys.map(key => ({ type: 'put', key, value: Buffer.from('no envelope') })))
    await level.close()
    const closed = Object.assign(new Error('closed'), { code: 'EPIPE' })
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(closed) })
    const stderr = new PassThrough()
    expect(await main(['verify', location], { stdin: Readable.from([]), stdout, stderr })).toBe(1)
    expect(stderr.read()).toBeNull()
  })

  it('damage in the middle of the log: exit code 1, and how much can be read', async () => {
    const location = await killed()
    damageLog(location)
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(1)
    expect(out).toContain(`log: Corrupt data: segment 1 of the log in ${join(location, 'ckv-wal')}: `)
    expect(out).toContain("'ckv wal --salvage'")
  })

  it('a record of the log whose codec is not registered: exit code 1, and the values are verified as well', async () => {
    const location = await wrapped()
    const { wal } = await Wal.open({ dir: join(location, 'ckv-wal'), meter: false })
    const envelope = sealCompressed(199, Buffer.from('?'), 100, { guard: NO_GUARD, mayOmitChecksum: false })!
    // How much of the log a clean close leaves depends on how large it is.
    const before = wal.nextSequence - wal.firstSequence
    await wal.append(sealedPut(Buffer.from('a'), envelope))
    await wal.append(Record.put('b', 'readable'))
    await wal.close()
    const found = await json<Findings>(['verify', location])
    expect(found).toMatchObject({ sound: false, values: 30, corruptValues: 0, log: { records: before + 1 } })
    expect(found.log!.damage).toEqual([expect.stringMatching(/^record \d+: .*codec/)])
  })

  it('a torn end of the log is what a crash leaves: exit code 0', async () => {
    const location = await killed()
    writeFileSync(segmentOf(location), Buffer.concat([readFileSync(segmentOf(location)), Buffer.alloc(20, 7)]))
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(0)
    expect(out).toContain('a torn end of 20 B')
  })

  it.each([
    ['without a header', (segment: string) => truncateSync(segment, 0), 'is missing, and the database was not closed'],
    ['that is gone', (segment: string) => rmSync(segment), 'is missing, and the database was not closed'],
    ['of another database', writeOtherLog, 'belongs to another store']
  ])('a log %s: exit code 1, as no store opens it', async (_, spoil, why) => {
    const location = await killed()
    await spoil(segmentOf(location))
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(1)
    expect(out).toMatch(/^log: Corrupt data: .*/m)
    expect(out).toContain(why)
    expect(out).toContain(join(location, 'ckv-wal'))
    expect((await ckv(['ls', location])).err).toContain(why)
  })

  it('a log beside a database that has no marker: exit code 1, and it is not ignored', async () => {
    const location = await bare()
    cpSync(join(await killed(), 'ckv-wal'), join(location, 'ckv-wal'), { recursive: true })
    const { code, out } = await ckv(['verify', location])
    expect([code, out.includes('belongs to another store')]).toEqual([1, true])
    expect((await ckv(['ls', location])).err).toContain('belongs to another store')
  })

  it('a table that is cut short: exit code 1, and the log is looked at all the same', async () => {
    const location = await bare()
    const level = bareLevel(location)
    await level.compactRange('', '\uffff')
    await level.close()
    const [table] = readdirSync(location).filter(name => name.endsWith('.ldb'))
    await withStore(location, {}, store => putAll(store, [['a', Buffer.from('before them')]]))
    truncateSync(join(location, table!), 100)
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(1)
    expect(out).toContain(`IO error: ${join(location, table!)}`)
    expect(out).toContain('ckv repair')
    expect(out).toMatch(/^\d values? in the database, \d+ records? in the log: corrupt/m)
  })

  it('damage in LevelDB’s own log, of which it drops what it cannot read: exit code 1, also from export', async () => {
    const location = newLocation()
    await withStore(location, { wal: false }, async store => {
      for (const [key, value] of someEntries()) await store.put(key, value)
    })
    const [log] = readdirSync(location).filter(name => name.endsWith('.log'))
    const bytes = readFileSync(join(location, log!))
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(join(location, log!), bytes)
    const why = `${log}, a log of LevelDB's own, is damaged, and LevelDB drops what it cannot read of it: Corruption: checksum mismatch`
    const { code, lines } = await ckv(['verify', location])
    expect([code, lines[0]]).toEqual([
      1,
      `LevelDB cannot read all of its files, and does not say which keys are missing: ${why}`
    ])
    const exported = await ckv(['export', location])
    expect(exported.lines.length).toBeLessThan(30)
    expect([exported.code, exported.err]).toEqual([1, `ckv: left out what LevelDB drops: ${why}\n`])
  })

  it('says where a store’s own log may have what LevelDB drops of its own', async () => {
    const location = newLocation()
    const copy = newLocation()
    await withStore(location, { memtable: false }, async store => {
      for (const [key, value] of someEntries()) await store.put(key, value)
      cpSync(location, copy, { recursive: true })
    })
    const [name] = readdirSync(copy).filter(file => file.endsWith('.log'))
    const bytes = readFileSync(join(copy, name!))
    writeFileSync(join(copy, name!), bytes.fill(1, bytes.length - 100))
    const { code, lines } = await ckv(['verify', copy])
    expect(code).toBe(1)
    expect(lines[0]).toMatch(
      /drops what it cannot read of it: .*; if a power cut left it so, the store's own log has what is missing$/
    )
  })
})
