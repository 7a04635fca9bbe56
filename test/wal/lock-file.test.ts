import { spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nodeFileSystem } from '../../src/index.js'
import { errnoError } from '../support/errno-error.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { rejectedCode } from '../support/thrown-code.js'
import { openLog } from './open-log.js'

interface Owner {
  host: string
  machineId: string
  bootId: string
  pidNamespace: string
  pid: number
  startTime: string
  nonce: string
}

const open = (dir: string, options = {}) => openLog({ dir, fs: nodeFileSystem, ...options })
const lockPath = (dir: string) => join(dir, 'LOCK')

/** What this process writes into its lock, but for a socket, which it has in a container (`lock-socket.test.ts`). */
async function ownerHere(): Promise<Owner> {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  const { socket: _, ...owner } = JSON.parse(readFileSync(lockPath(dir), 'utf8')) as Owner & { socket?: number }
  await wal.close()
  return owner
}

/** A directory that looks locked by this process, but for what `other` says. */
async function lockedBy(other: Partial<Owner>): Promise<string> {
  const dir = temporaryDirectory()
  writeFileSync(lockPath(dir), JSON.stringify({ ...(await ownerHere()), nonce: 'abcdef', ...other }))
  return dir
}

/** Calls `then` when a lock of such a name has been made. */
function whenLocking(name: RegExp, then: () => void): FaultyFileSystem {
  return new (class extends FaultyFileSystem {
    override async createWith(path: string, bytes: Uint8Array): Promise<void> {
      await super.createWith(path, bytes)
      if (name.test(path)) then()
    }
  })(nodeFileSystem)
}

function textOf(path: string): string {
  return readFileSync(path, 'utf8').trim()
}

/** The number of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

test('a lock that was made though the answer is that there is one is its own', async () => {
  const fs = new (class extends FaultyFileSystem {
    /** As where an NFS server is asked to link a file once more, since its answer was lost. */
    override async createWith(path: string, bytes: Uint8Array): Promise<void> {
      await super.createWith(path, bytes)
      throw errnoError('EEXIST', 'link', path)
    }
  })(nodeFileSystem)
  const dir = temporaryDirectory()
  const { wal } = await open(dir, { fs })
  expect(await rejectedCode(open(dir, { fs }))).toBe('LEVEL_LOCKED')
  await wal.close()
  expect(existsSync(lockPath(dir))).toBe(false)
})

test('a second open is refused at once, also in the same process, and names the lock', async () => {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  await expect(open(dir)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' })
  await expect(open(dir)).rejects.toThrow(lockPath(dir))
  await expect(open(dir)).rejects.toThrow(`in this process, ${process.pid}: close it`)
  await expect(open(dir)).rejects.not.toThrow('delete')
  await wal.close()
  await open(dir)
})

test('a copy of a log that is open in this process is not said to be open: its lock is to be deleted', async () => {
  const [dir, copy] = [temporaryDirectory(), temporaryDirectory()]
  await open(dir)
  cpSync(lockPath(dir), lockPath(copy))
  await expect(open(copy)).rejects.toThrow(`has the lock of the one in ${dir}`)
  await expect(open(copy)).rejects.toThrow(`If this is a copy of that, delete the file ${lockPath(copy)}`)
  rmSync(lockPath(copy))
  await open(copy)
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

test.each([
  ['read', 'readFile', 'EMFILE'],
  ['removed', 'remove', 'EACCES']
] as const)(
  'a lock that could not be %s when it was let go of does not keep this process out',
  async (_, call, code) => {
    const dir = temporaryDirectory()
    const fs = new FaultyFileSystem(nodeFileSystem)
    for (let times = 0; times < 2; times++) {
      const { wal } = await open(dir, { fs })
      fs.fail(call, { code, path: /LOCK$/ })
      await expect(wal.close()).rejects.toMatchObject({ code })
      expect(readdirSync(dir)).toEqual(['LOCK'])
    }
    const { wal } = await open(dir)
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    await wal.close()
    expect(readdirSync(dir)).toEqual([])
  }
)

test('a lock that was out of sight when it was let go of, as on a disk that was unmounted, does not keep this process out', async () => {
  const parent = temporaryDirectory()
  const [dir, elsewhere] = [join(parent, 'log'), join(parent, 'elsewhere')]
  for (let times = 0; times < 2; times++) {
    const { wal } = await open(dir)
    renameSync(dir, elsewhere)
    await wal.close()
    renameSync(elsewhere, dir)
    expect(readdirSync(dir)).toContain('LOCK')
  }
  const { wal } = await open(dir)
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  await wal.close()
  expect(readdirSync(dir)).toEqual([])
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

test('takeovers that died one after another are taken over, but not without end', async () => {
  const nonces = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9', 'aa']
  const dead = { ...(await ownerHere()), pid: deadPid() }
  const chainOf = (length: number) => {
    const dir = temporaryDirectory()
    for (let i = 0; i < length; i++) {
      const path = [lockPath(dir), ...nonces.slice(0, i)].join('.')
      writeFileSync(path, JSON.stringify({ ...dead, nonce: nonces[i] }))
    }
    return dir
  }
  const short = chainOf(5)
  const { wal } = await open(short)
  await wal.close()
  expect(readdirSync(short)).toEqual([])
  const long = chainOf(10)
  expect(await rejectedCode(open(long))).toBe('LEVEL_LOCKED')
  expect(readdirSync(long)).toHaveLength(10)
})

test('what another process took over meanwhile is not taken from it', async () => {
  const dir = await lockedBy({ pid: deadPid(), nonce: 'aa' })
  const winner = JSON.stringify({ ...(await ownerHere()), nonce: 'bb' })
  const fs = whenLocking(/LOCK\.aa$/, () => writeFileSync(lockPath(dir), winner))
  expect(await rejectedCode(open(dir, { fs }))).toBe('LEVEL_LOCKED')
  expect(readFileSync(lockPath(dir), 'utf8')).toBe(winner)
  expect(readdirSync(dir)).toEqual(['LOCK'])
})

test('what is let go of while it is looked at is taken', async () => {
  const dead = await lockedBy({ pid: deadPid(), nonce: 'aa' })
  const taken = await open(dead, { fs: whenLocking(/LOCK\.aa$/, () => rmSync(lockPath(dead))) })
  await taken.wal.close()
  expect(readdirSync(dead)).toEqual([])
  const fs = new FaultyFileSystem(nodeFileSystem)
  fs.fail('createWith', { code: 'EEXIST', path: /LOCK$/ })
  await expect(open(temporaryDirectory(), { fs })).resolves.toBeDefined()
})

test('a lock that is there and not there is given up at last', async () => {
  const fs = new FaultyFileSystem(nodeFileSystem)
  fs.fail('createWith', { code: 'EEXIST', path: /LOCK$/, times: 1000 })
  await expect(open(temporaryDirectory(), { fs })).rejects.toMatchObject({
    code: 'LEVEL_LOCKED',
    message: expect.stringContaining('by somebody')
  })
  expect(fs.calls.createWith).toBeLessThan(100)
})

describe.runIf(process.platform === 'linux')('on Linux', () => {
  test('a lock says which machine, start, container and process it is of', async () => {
    const stat = textOf('/proc/self/stat').split(' ')
    expect(await ownerHere()).toMatchObject({
      host: hostname(),
      machineId: existsSync('/etc/machine-id') ? textOf('/etc/machine-id') : '',
      bootId: textOf('/proc/sys/kernel/random/boot_id'),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      pid: process.pid,
      startTime: stat.at(-31) // Field 22 of 52: those before it include a name, which may have spaces.
    })
  })

  test('a process that was killed, and whose parent does not ask how it ended, is dead', async () => {
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void parent.kill())
    const pid = Number(await new Promise(resolve => parent.stdout.once('data', resolve)))
    // As long as it is a shell it might ask.
    while (textOf(`/proc/${parent.pid}/comm`) !== 'sleep') await sleep(1)
    process.kill(pid, 'SIGKILL')
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(1)
    const dir = await lockedBy({ pid, startTime: '' })
    const { wal } = await open(dir)
    await wal.close()
    expect(readdirSync(dir)).toEqual([])
  })
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
  { what: 'of another machine of the same name', other: { machineId: 'another' } },
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
  await expect(open(dir)).rejects.toThrow('as LevelDB does, give the log a directory of its own')
  expect(readFileSync(lockPath(dir), 'utf8')).toBe(content)
})

test.for<{ what: string; other: object }>([
  { what: 'whose pid is no number', other: { pid: String(deadPid()) } },
  { what: 'whose nonce leads elsewhere', other: { nonce: '../aa' } },
  { what: 'whose nonce leads on', other: { nonce: 'aa/..' } }
])('a lock $what is not one of ours, and not taken over', async ({ other }) => {
  const dir = await lockedBy({ pid: deadPid(), ...other })
  await expect(open(dir)).rejects.toMatchObject({
    code: 'LEVEL_LOCKED',
    message: expect.stringContaining('is no lock of a log')
  })
  expect(readdirSync(dir)).toEqual(['LOCK'])
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

test('a lock that somebody deleted is no error', async () => {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  rmSync(lockPath(dir))
  await expect(wal.close()).resolves.toBeUndefined()
})

test('where the lock cannot be written the log says why, at once', async () => {
  const fs = new FaultyFileSystem(nodeFileSystem)
  fs.fail('createWith', { code: 'EROFS', times: 1000 })
  await expect(open(temporaryDirectory(), { fs })).rejects.toMatchObject({
    code: 'LEVEL_IO_ERROR',
    message: expect.stringContaining('readOnly'),
    cause: { code: 'EROFS' }
  })
  expect(fs.calls.createWith).toBe(1)
})

test('where the lock cannot be read the log says so', async () => {
  const dir = join(temporaryDirectory(), 'log')
  mkdirSync(dir)
  mkdirSync(lockPath(dir))
  await expect(open(dir)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
})
