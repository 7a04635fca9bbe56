import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { sealCompressed } from '../../src/envelope/seal.js'
import { Record, Wal } from '../../src/index.js'
import { sealedPut } from '../../src/wal/record.js'
import { bareLevel, killed, wrapped } from './databases.js'
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

const segmentOf = (location: string) => join(location, 'ckv-wal', '000001.wal')

describe('ckv verify', () => {
  it('a sound database: 0', async () => {
    for (const location of [await wrapped(), await killed()]) {
      const { code, out } = await ckv(['verify', location])
      expect(code).toBe(0)
      expect(out).toMatch(/values?.*: sound$/)
    }
  })

  it('lists what is corrupt by key: 1', async () => {
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

  it('damage in the middle of the log: 1, and how much can be read', async () => {
    const location = await killed()
    const bytes = readFileSync(segmentOf(location))
    bytes[100]! ^= 1 // In the first frame; the sync behind it vouches for it.
    writeFileSync(segmentOf(location), bytes)
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(1)
    expect(out).toMatch(/^log: .*segment 1/m)
    expect(out).toContain("'ckv wal --salvage'")
  })

  it('a record of the log whose codec is not there: 1, and what the values are', async () => {
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

  it('a torn end of the log is what a crash leaves: 0', async () => {
    const location = await killed()
    writeFileSync(segmentOf(location), Buffer.concat([readFileSync(segmentOf(location)), Buffer.alloc(20, 7)]))
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(0)
    expect(out).toContain('a torn end of 20 B')
  })

  it('a log without a header, and one that is gone: 1', async () => {
    const location = await killed()
    truncateSync(segmentOf(location), 0)
    expect((await ckv(['verify', location])).code).toBe(0) // Never written whole: a crash leaves that too.
    rmSync(segmentOf(location))
    const { code, out } = await ckv(['verify', location])
    expect(code).toBe(1)
    expect(out).toContain('log: it is missing')
  })
})
