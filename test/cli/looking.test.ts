import { cpSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Record, Wal } from '../../src/index.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { bare, bareLevel, digests, killed, newLocation, withStore, wrapped } from './databases.js'
import { ckv } from './run.js'

const LOOKING = [
  ['stats'],
  ['estimate', '--try', 'zstd:1'],
  ['verify'],
  ['wal'],
  ['get', 'user:001'],
  ['ls'],
  ['export']
] as const

describe('commands that look', () => {
  it.each([
    ['a bare database', bare],
    ['a wrapped one', () => wrapped()],
    ['one that was not closed', () => killed()]
  ])('leave %s as it is, to the byte, and no copy behind', async (_, make) => {
    const location = await make()
    const before = digests(location)
    for (const [name, ...rest] of LOOKING) {
      const { err, left } = await ckv([name, location, ...rest])
      expect(name === 'wal' && err.includes('holds no log') ? '' : err).toBe('')
      expect(left).toEqual([])
      expect(digests(location)).toEqual(before)
    }
    expect(readdirSync(join(location, '..'))).toEqual(['db'])
  })

  it('do not write into a table that a flush left behind before the database knew of it', async () => {
    const location = await killed()
    const numbers = readdirSync(location).map(name => Number(/^(\d+)\./.exec(name)?.[1] ?? 0))
    const next = Math.max(...numbers) + 1
    // Opening a database makes a table of its log, with one of the next numbers.
    const left = Array.from({ length: 4 }, (_, i) => join(location, `${String(next + i).padStart(6, '0')}.ldb`))
    for (const path of left) writeFileSync(path, 'left behind')
    const before = digests(location)
    expect((await ckv(['ls', location])).lines.length).toBe(31)
    expect(digests(location)).toEqual(before)
  })

  it('see what only the log has', async () => {
    const location = await killed()
    const { lines } = await ckv(['ls', location])
    expect(lines.length).toBe(31)
    expect((await ckv(['get', location, 'user:001'])).code).toBe(0)
  })

  it('look at a database that another program has open, but does not write to', async () => {
    const location = await wrapped()
    const found = await withStore(location, {}, () => ckv(['ls', location]))
    expect(found.lines.length).toBe(30)
  })

  it('find a log in a directory elsewhere with --wal', async () => {
    const [location, wal] = [newLocation(), temporaryDirectory()]
    const source = newLocation()
    await withStore(source, { wal }, async store => {
      await store.put('a', Buffer.from('A'))
      await store.sync()
      cpSync(source, location, { recursive: true })
      expect((await ckv(['ls', location, '--wal', wal])).lines).toEqual(['a'])
    })
    const without = await ckv(['ls', location])
    expect(without.code).toBe(1)
    expect(without.err).toMatch(/^ckv: .*log.*missing/)
  })

  it.each(['export', 'estimate', 'ls', 'stats', 'verify', 'wal'])(
    '%s stops when it is interrupted, with exit code 130, and removes the copy',
    async command => {
      const location = await wrapped()
      const { code, err, left } = await ckv([command, location], { signal: AbortSignal.abort() })
      expect([code, err, left]).toEqual([130, 'ckv: interrupted\n', []])
    }
  )

  it('share tables with the copy by hard links, so that a large database needs no room for it', async () => {
    const location = await bare()
    const level = bareLevel(location)
    await level.compactRange('', '\uffff')
    await level.close()
    const [table] = readdirSync(location).filter(name => name.endsWith('.ldb'))
    linkSync(join(location, table!), join(location, '..', 'kept'))
    await ckv(['ls', location])
    expect(statSync(join(location, table!)).nlink).toBe(2)
  })
})

describe('a location that is no database', () => {
  it('is an error on one line that names the remedy', async () => {
    const empty = temporaryDirectory()
    const file = join(empty, 'file')
    writeFileSync(file, '')
    for (const name of ['stats', 'estimate', 'verify', 'wal', 'ls', 'export', 'gc', 'unwrap']) {
      for (const location of [join(empty, 'nowhere'), empty, file]) {
        const { code, err } = await ckv([name, location])
        expect(code).toBe(1)
        expect(err).toMatch(/^ckv: .*\S.*: .+\n$/)
        expect(err.trimEnd()).not.toContain('\n')
      }
    }
    expect(readdirSync(empty)).toEqual(['file'])
  })

  it.each([
    ['whose tables are gone', '.ldb', /: Corruption: .*missing/],
    ['whose manifest is gone', 'MANIFEST-', /: IO error: .*MANIFEST-/]
  ])('is also one %s: the error names its files, not those of the copy, and the remedy', async (_, part, why) => {
    const location = await wrapped()
    const level = bareLevel(location)
    await level.compactRange('', '\uffff')
    await level.close()
    for (const name of readdirSync(location)) if (name.includes(part)) rmSync(join(location, name))
    const { code, err } = await ckv(['ls', location])
    expect(code).toBe(1)
    expect(err).toMatch(why)
    expect(err).toContain(join(location, part.slice(0, 1) === '.' ? '0' : part))
    expect(err).toContain('restore the database from a backup')
  })

  it('is named as such if it is a RocksDB database', async () => {
    const location = temporaryDirectory()
    for (const name of ['CURRENT', 'IDENTITY', 'MANIFEST-000004', 'OPTIONS-000007'])
      writeFileSync(join(location, name), '')
    for (const argv of [
      ['stats', location],
      ['put', location, 'a', 'b']
    ]) {
      const { code, err } = await ckv(argv)
      expect([code, err.includes('is a RocksDB database')]).toEqual([1, true])
    }
  })

  it('names the command for logs if it is a log used alone', async () => {
    const location = temporaryDirectory()
    const { wal } = await Wal.open({ dir: location })
    await wal.append(Record.put('a', 'b'))
    await wal.close()
    expect(await ckv(['verify', location])).toMatchObject({
      code: 1,
      err: expect.stringContaining('ckv wal') as string
    })
  })

  it('is not made a database if there are other files', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'photos'))
    const { code, err } = await ckv(['put', directory, 'a', 'b'])
    expect(code).toBe(1)
    expect(err).toContain('pass another directory')
    expect(readdirSync(directory)).toEqual(['photos'])
  })

  it('is an object on stderr with --json', async () => {
    const { code, out, err } = await ckv(['stats', join(temporaryDirectory(), 'nowhere'), '--json'])
    expect([code, out]).toEqual([1, ''])
    expect(JSON.parse(err)).toMatchObject({ error: { message: expect.stringContaining('does not exist') as string } })
  })
})
