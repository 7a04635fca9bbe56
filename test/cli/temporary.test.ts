import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import type * as Fs from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { withTemporaryDirectory } from '../../src/cli/database/temporary.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** Directories that are to be on file systems of their own, with what is in them. */
const elsewhere: string[] = []
/** Directories in which nothing can be made. */
const full: string[] = []

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof Fs>()
  const stat = async (path: string) => {
    const place = await real.realpath(path)
    return { dev: elsewhere.findIndex(directory => place.startsWith(directory)) }
  }
  const mkdtemp = async (prefix: string) => {
    if (full.includes(dirname(prefix))) throw new Error('no room')
    return real.mkdtemp(prefix)
  }
  return { ...real, stat, mkdtemp }
})

let usual: string
beforeEach(() => {
  usual = temporaryDirectory()
  vi.stubEnv('TMPDIR', usual)
})
afterEach(() => {
  vi.unstubAllEnvs()
  elsewhere.length = full.length = 0
})

const made = (near: string | undefined) => withTemporaryDirectory(near, async directory => directory)

it('is the system’s if it is for no database, or for one on the same file system', async () => {
  const database = temporaryDirectory()
  const before = readdirSync(usual)
  for (const near of [undefined, database]) expect(dirname(await made(near))).toBe(usual)
  expect(readdirSync(usual)).toEqual(before)
})

it('is beside a database that is on another file system, and is removed if the work fails as well', async () => {
  const [disk, database] = anotherDisk()
  const failing = withTemporaryDirectory(database, async directory => {
    expect([dirname(directory), basename(directory).slice(0, 5)]).toEqual([disk, '.ckv-'])
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(readdirSync(disk)).toEqual(['db'])
})

it('is beside the database itself, and not beside a link to it', async () => {
  const [disk, database] = anotherDisk()
  const link = join(temporaryDirectory(), 'link')
  symlinkSync(database, link)
  expect(dirname(await made(link))).toBe(disk)
})

it('is the system’s if nothing can be made beside the database', async () => {
  const [disk, database] = anotherDisk()
  full.push(disk)
  expect(dirname(await made(database))).toBe(usual)
})

function anotherDisk(): [disk: string, database: string] {
  const disk = temporaryDirectory()
  const database = join(disk, 'db')
  mkdirSync(database)
  elsewhere.push(disk)
  return [disk, database]
}
