import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type * as Fs from 'node:fs'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import type * as FsPromises from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { nodeFileSystem } from '../../src/index.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { rejectedCode } from '../support/thrown-code.js'
import { openLog } from './open-log.js'

const NFS = 0x6969
const EXT4 = 0xef53
const XFS = 0x58465342
const INITIAL = 'pid:[4026531836]'
const OURS = 'pid:[4026532001]'

/** What this process sees of the machine it is on. */
const machine = vi.hoisted(() => ({ pidNamespace: '', fileSystem: 0, machineId: '', processState: '' }))

vi.mock('node:fs', async importOriginal => {
  const fs = await importOriginal<typeof Fs>()
  const readlinkSync = (path: string) =>
    path === '/proc/self/ns/pid' ? machine.pidNamespace : fs.readlinkSync(path, 'utf8')
  const textOf = (path: string, encoding: 'utf8') => {
    if (path === '/etc/machine-id') return machine.machineId
    if (path.endsWith('/stat') && machine.processState) return machine.processState
    return fs.readFileSync(path, encoding)
  }
  return { ...fs, readlinkSync, readFileSync: textOf }
})

vi.mock('node:fs/promises', async importOriginal => {
  const promises = await importOriginal<typeof FsPromises>()
  return { ...promises, statfs: async () => ({ type: machine.fileSystem }) }
})

const open = (dir: string) => openLog({ dir, fs: nodeFileSystem })
const lockPath = (dir: string) => join(dir, 'LOCK')

beforeEach(() => {
  Object.assign(machine, { pidNamespace: OURS, fileSystem: EXT4, machineId: 'a1', processState: '' })
})

/** A log that was opened in another container of this machine, and not closed. */
async function leftByAnotherContainer(): Promise<{ dir: string; socket: string }> {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  const lock = readFileSync(lockPath(dir), 'utf8')
  await wal.close()
  const owner = { ...(JSON.parse(lock) as object), pidNamespace: 'pid:[4026532002]', nonce: 'abcdef' }
  writeFileSync(lockPath(dir), JSON.stringify(owner))
  return { dir, socket: join(dir, 'LOCK.abcdef.socket') }
}

/** What a process leaves that listened and was killed. */
function killListener(socket: string): void {
  const program = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`
  expect(spawnSync(process.execPath, ['-e', program]).signal).toBe('SIGKILL')
  expect(existsSync(socket)).toBe(true)
}

async function listenOn(socket: string): Promise<void> {
  const server = createServer().listen(socket)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
}

describe.runIf(process.platform === 'linux')('in a container', () => {
  test('the owner of a lock listens on a socket beside it, and closing removes both', async () => {
    const dir = temporaryDirectory()
    const { wal } = await open(dir)
    const { nonce, socket } = JSON.parse(readFileSync(lockPath(dir), 'utf8')) as { nonce: string; socket: number }
    expect(socket).toBe(EXT4)
    expect(readdirSync(dir).sort()).toEqual(['LOCK', `LOCK.${nonce}.socket`])
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    expect(readdirSync(dir)).toHaveLength(2)
    await wal.close()
    expect(readdirSync(dir)).toEqual([])
  })

  test('a lock of another one is taken over when its owner was killed, and nothing is left of it', async () => {
    const { dir, socket } = await leftByAnotherContainer()
    killListener(socket)
    const { wal } = await open(dir)
    expect(existsSync(socket)).toBe(false)
    await wal.close()
    expect(readdirSync(dir)).toEqual([])
  })

  test('and when its owner ended without closing the log, which removes the socket', async () => {
    const { dir } = await leftByAnotherContainer()
    const { wal } = await open(dir)
    await wal.close()
    expect(readdirSync(dir)).toEqual([])
  })

  test('but not while its owner listens', async () => {
    const { dir, socket } = await leftByAnotherContainer()
    await listenOn(socket)
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    expect(readdirSync(dir).sort()).toEqual(['LOCK', 'LOCK.abcdef.socket'])
  })

  test('nor by a path that is too long for a socket', async () => {
    const { dir, socket } = await leftByAnotherContainer()
    await listenOn(socket)
    const long = join(temporaryDirectory(), 'x'.repeat(100))
    symlinkSync(dir, long)
    expect(await rejectedCode(open(long))).toBe('LEVEL_LOCKED')
  })

  test.for([
    ['of a network', NFS],
    ['that an overlay lies over', XFS]
  ] as const)('nor in the file system %s, where its socket refuses everybody while it listens', async ([, type]) => {
    const { dir, socket } = await leftByAnotherContainer()
    killListener(socket)
    machine.fileSystem = type
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    expect(existsSync(socket)).toBe(true)
  })

  test('in the file system of a network, and where the path is too long for one, there is no socket', async () => {
    const long = join(temporaryDirectory(), 'x'.repeat(100))
    mkdirSync(long)
    await open(long)
    expect(readdirSync(long)).toEqual(['LOCK'])
    machine.fileSystem = NFS
    const dir = temporaryDirectory()
    await open(dir)
    expect(readdirSync(dir)).toEqual(['LOCK'])
    expect(readFileSync(lockPath(dir), 'utf8')).not.toContain('socket')
  })

  test('a lock that could not be removed when it was let go of keeps its socket, and this process has it again', async () => {
    const dir = temporaryDirectory()
    const { wal } = await open(dir)
    const lock = readFileSync(lockPath(dir))
    rmSync(lockPath(dir))
    mkdirSync(lockPath(dir))
    await expect(wal.close()).rejects.toThrow('EISDIR')
    rmdirSync(lockPath(dir))
    writeFileSync(lockPath(dir), lock)
    const again = await open(dir)
    expect(readFileSync(lockPath(dir))).toEqual(lock)
    expect(readdirSync(dir)).toHaveLength(2)
    await again.wal.close()
    expect(readdirSync(dir)).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('outside of a container', () => {
  beforeEach(() => void (machine.pidNamespace = INITIAL))

  test('there is no socket: everybody sees the process', async () => {
    const dir = temporaryDirectory()
    await open(dir)
    expect(readdirSync(dir)).toEqual(['LOCK'])
  })

  test('a process that was killed runs until the last of its threads, which may be writing, has ended', async () => {
    const dir = temporaryDirectory()
    const { wal } = await open(dir)
    const lock = readFileSync(lockPath(dir), 'utf8')
    await wal.close()
    writeFileSync(lockPath(dir), JSON.stringify({ ...(JSON.parse(lock) as object), nonce: 'abcdef' }))
    const { startTime } = JSON.parse(lock) as { startTime: string }
    const withThreads = (threads: number) => `7 (node) Z ${'0 '.repeat(16)}${threads} 0 ${startTime} 0`
    machine.processState = withThreads(2)
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    machine.processState = withThreads(1)
    await expect(open(dir)).resolves.toBeDefined()
  })
})

/** The lock of an earlier start of a machine of this name. */
async function leftBefore(): Promise<string> {
  const dir = temporaryDirectory()
  const { wal } = await open(dir)
  const lock = readFileSync(lockPath(dir), 'utf8')
  await wal.close()
  writeFileSync(
    lockPath(dir),
    JSON.stringify({ ...(JSON.parse(lock) as object), bootId: 'earlier', socket: undefined })
  )
  return dir
}

describe.runIf(process.platform === 'linux')(
  'a lock of a host of the same name that was started at another time',
  () => {
    test.for([
      { has: 'a machine id', pidNamespace: INITIAL, machineId: 'a1', fileSystem: NFS },
      { has: 'the file system for itself', pidNamespace: INITIAL, machineId: '', fileSystem: EXT4 },
      { has: 'the file system for itself, seen from a container', pidNamespace: OURS, machineId: '', fileSystem: EXT4 }
    ])('is taken over where the host has $has', async seen => {
      Object.assign(machine, seen)
      await expect(open(await leftBefore())).resolves.toBeDefined()
    })

    test.for([
      { what: 'it has no machine id', pidNamespace: INITIAL, machineId: '' },
      { what: 'it is a container, whose machine id is that of its image', pidNamespace: OURS, machineId: 'a1' }
    ])('is left alone in the file system of a network where $what: it may be another host', async seen => {
      Object.assign(machine, { ...seen, fileSystem: NFS })
      expect(await rejectedCode(open(await leftBefore()))).toBe('LEVEL_LOCKED')
    })
  }
)
