import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import type * as Fs from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeEach, expect, it, vi } from 'vitest'
import { copyDatabase } from '../../src/cli/database/copy.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const program = {
  /** What another program does before the file with this name is copied. */
  beforeCopy: (_name: string) => {}
}

function first<Rest extends unknown[]>(work: (from: string, ...rest: Rest) => Promise<void>): typeof work {
  return async (source, ...rest) => {
    program.beforeCopy(basename(source))
    await work(source, ...rest)
  }
}

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof Fs>()
  return { ...real, copyFile: first(real.copyFile), link: first(real.link) }
})

const FILES = ['000003.ldb', '000005.log', '000007.ldb', 'CURRENT', 'MANIFEST-000002']
let from: string
let to: string

beforeEach(() => {
  program.beforeCopy = () => {}
  from = join(temporaryDirectory(), 'db')
  mkdirSync(join(from, 'ckv-wal'), { recursive: true })
  for (const name of [...FILES, 'LOCK', 'LOG', 'ckv-wal/000001.wal']) writeFileSync(join(from, name), name)
  to = join(temporaryDirectory(), 'copy')
  mkdirSync(to, { mode: 0o700 })
})

const isSameFile = (name: string) => statSync(join(from, name)).ino === statSync(join(to, name)).ino

/** Runs something before the file is copied for the first time. */
function once(name: string, change: () => void): void {
  let isOver = false
  program.beforeCopy = copied => {
    if (copied !== name || isOver) return
    isOver = true
    change()
  }
}

it('a copy has the files of the database and of its log, and shares only tables older than the last log of LevelDB', async () => {
  await copyDatabase(from, to, undefined)
  expect(readdirSync(to).sort()).toEqual([...FILES, 'ckv-wal'])
  expect(readFileSync(join(to, 'ckv-wal', '000001.wal'), 'utf8')).toBe('ckv-wal/000001.wal')
  expect(FILES.filter(isSameFile)).toEqual(['000003.ldb'])
})

it('a copy of a database without a log of its own shares nothing, and has no directory for a log that is not there', async () => {
  rmSync(join(from, '000005.log'))
  rmSync(join(from, 'ckv-wal', '000001.wal'))
  await copyDatabase(from, to, undefined)
  expect(isSameFile('000003.ldb')).toBe(false)
  expect(existsSync(join(to, 'ckv-wal'))).toBe(false)
})

it.each([
  ['grows', '000005.log', () => appendFileSync(join(from, '000005.log'), 'more')],
  ['has other bytes of the same number', 'MANIFEST-000002', () => writeFileSync(join(from, 'CURRENT'), 'current')],
  ['is added', 'MANIFEST-000002', () => writeFileSync(join(from, '000008.ldb'), 'new')],
  ['is gone before it is copied', '000007.ldb', () => rmSync(join(from, '000007.ldb'))],
  ['is gone before it is shared', '000003.ldb', () => rmSync(join(from, '000003.ldb'))],
  ['is gone after it was copied', 'CURRENT', () => rmSync(join(from, '000007.ldb'))]
])('if a file %s meanwhile, all is copied anew', async (_, name, change) => {
  once(name, change)
  await copyDatabase(from, to, undefined)
  const names = readdirSync(from).filter(file => file !== 'LOCK' && file !== 'LOG' && file !== 'ckv-wal')
  expect(readdirSync(to).sort()).toEqual([...names, 'ckv-wal'].sort())
  for (const file of names) expect(readFileSync(join(to, file))).toEqual(readFileSync(join(from, file)))
  for (const directory of [to, join(to, 'ckv-wal')]) expect(statSync(directory).mode & 0o777).toBe(0o700)
})

it('a database that is written to all the time is not copied', async () => {
  let copies = 0
  program.beforeCopy = name => {
    if (name !== 'CURRENT') return
    copies++
    appendFileSync(join(from, '000005.log'), 'more')
  }
  await expect(copyDatabase(from, to, undefined)).rejects.toThrow('is being written to')
  expect(copies).toBe(5)
})
