import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeFileSystem } from '../../src/index.js'
import { rejectedCode } from '../support/thrown-code.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { openLog } from './open-log.js'

interface Owner {
  host: string
  bootId: string
  pidNamespace: string
  pid: number
  startTime: string
  nonce: string
}

const open = (dir: string, options = {}) => openLog({ dir, fs: nodeFileSystem, ...options })
const lockPath = (dir: string) => join(dir, 'LOCK')

/** What this process writes into its lock. */
async function ownerHere(): Promise<Owner> {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  const owner = JSON.parse(readFileSync(lockPath(dir), 'utf8')) as Owner
  await wal.close()
  return owner
}

/** A directory that looks locked by this process, but for what `other` says. */
async function lockedBy(other: Partial<Owner>): Promise<string> {
  const dir = temporaryDirectory()
  writeFileSync(lockPath(dir), JSON.stringify({ ...(await ownerHere()), nonce: 'abcdef', ...other }))
  return dir
}

/** The number of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

test('a second open is refused at once, also in the same process, and names the lock', async () => {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  await expect(open(dir)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
  await expect(open(dir)).rejects.toThrow(lockPath(dir))
  await expect(open(dir)).rejects.toThrow(String(process.pid))
  await wal.close()
  await open(dir)
})

test('of many opens at once one succeeds', async () => {
  const dir = temporaryDirectory()
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => open(dir)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const refused = outcomes.filter(outcome => outcome.status === 'rejected')
  expect(new Set(refused.map(({ reason }) => (reason as { code: string }).code))).toEqual(new Set(['LEVEL_LOCKED']))
})

test('close lets go of the lock, and so does an open that fails', async () => {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  expect(existsSync(lockPath(dir))).toBe(true)
  await wal.close()
  expect(readdirSync(dir)).toEqual([])
  writeFileSync(join(dir, '000001.wal'), Buffer.alloc(1000, 'garbage'))
  expect(await rejectedCode(open(dir))).toBe('LEVEL_CORRUPTION')
  expect(readdirSync(dir)).toEqual(['000001.wal'])
})

test('a lock whose process is dead is taken over, and nothing is left of it', async () => {
  const dir = await lockedBy({ pid: deadPid(), startTime: '1' })
  const { wal } = await open(dir)
  expect(JSON.parse(readFileSync(lockPath(dir), 'utf8'))).toMatchObject({ pid: process.pid })
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  await wal.close()
  expect(readdirSync(dir)).toEqual([])
})

test('one whose takeover died on the way is taken over too', async () => {
  const dir = await lockedBy({ pid: deadPid(), nonce: 'aa' })
  const owner = await ownerHere()
  writeFileSync(`${lockPath(dir)}.aa`, JSON.stringify({ ...owner, pid: deadPid(), nonce: 'bb' }))
  const { wal } = await open(dir)
  await wal.close()
  expect(readdirSync(dir)).toEqual([])
})

test('but not while another process is taking it over', async () => {
  const dir = await lockedBy({ pid: deadPid(), nonce: 'aa' })
  writeFileSync(`${lockPath(dir)}.aa`, JSON.stringify({ ...(await ownerHere()), nonce: 'bb' }))
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  expect(readdirSync(dir).sort()).toEqual(['LOCK', 'LOCK.aa'])
})

test.runIf(process.platform === 'linux')('the same pid with another start is another process', async () => {
  await open(await lockedBy({ startTime: '1' }))
  expect(await rejectedCode(open(await lockedBy({})))).toBe('LEVEL_LOCKED')
})

test('a lock from before the machine was started is taken over', async () => {
  const dir = await lockedBy({ bootId: '00000000-0000-0000-0000-000000000000' })
  const { wal } = await open(dir)
  await wal.close()
  expect(readdirSync(dir)).toEqual([])
})

test.for<{ what: string; other: Partial<Owner> }>([
  { what: 'of another host', other: { host: 'elsewhere' } },
  { what: 'of another host that was started anew', other: { host: 'elsewhere', bootId: 'other' } },
  { what: 'of another container', other: { pidNamespace: 'pid:[1]' } },
  { what: 'of a process of somebody else', other: { pid: 1, startTime: '' } }
])('a lock $what is left alone, dead or not', async ({ other }) => {
  const dir = await lockedBy({ pid: deadPid(), ...other })
  const before = readFileSync(lockPath(dir))
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  expect(readFileSync(lockPath(dir))).toEqual(before)
  expect(readdirSync(dir)).toEqual(['LOCK'])
})

test.for([
  '',
  '{',
  'null',
  '[]',
  '{}',
  '{"pid":"1","nonce":"aa"}',
  '{"pid":1}',
  '{"pid":1,"nonce":"../../x"}',
  '\0\0\0'
])('a lock that is not readable (%j) is not taken over; the message says where it is', async content => {
  const dir = temporaryDirectory()
  writeFileSync(lockPath(dir), content)
  await expect(open(dir)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
  await expect(open(dir)).rejects.toThrow(lockPath(dir))
  expect(readFileSync(lockPath(dir), 'utf8')).toBe(content)
})

test('a log that is only read needs no lock and makes none', async () => {
  const dir = temporaryDirectory()
  const first = await open(dir)
  const second = await open(dir, { readOnly: true })
  await second.wal.close()
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  await first.wal.close()
})

test('a lock that is no longer ours is not removed', async () => {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  const other = JSON.stringify({ ...(JSON.parse(readFileSync(lockPath(dir), 'utf8')) as Owner), nonce: 'ffff' })
  writeFileSync(lockPath(dir), other)
  await wal.close()
  expect(readFileSync(lockPath(dir), 'utf8')).toBe(other)
})

test('where the lock cannot be made the log says so', async () => {
  const dir = join(temporaryDirectory(), 'log')
  mkdirSync(dir)
  mkdirSync(lockPath(dir))
  await expect(open(dir)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
})
