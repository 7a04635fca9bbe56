import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type * as Fs from 'node:fs'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
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

/** What this process sees of the machine it is on. */
const machine = vi.hoisted(() => ({ pidNamespace: '', fileSystem: 0, machineId: '' }))

vi.mock('node:fs', async importOriginal => {
  const fs = await importOriginal<typeof Fs>()
  const readlinkSync = (path: string) =>
    path === '/proc/self/ns/pid' ? machine.pidNamespace : fs.readlinkSync(path, 'utf8')
  const textOf = (path: string, encoding: 'utf8') =>
    path === '/etc/machine-id' ? machine.machineId : fs.readFileSync(path, encoding)
  return { ...fs, readlinkSync, readFileSync: textOf }
})

vi.mock('node:fs/promises', async importOriginal => {
  const promises = await importOriginal<typeof FsPromises>()
  return { ...promises, statfs: async () => ({ type: machine.fileSystem }) }
})

const open = (dir: string) => openLog({ dir, fs: nodeFileSystem })
const lockPath = (dir: string) => join(dir, 'LOCK')

beforeEach(() => {
  Object.assign(machine, { pidNamespace: 'pid:[4026532001]', fileSystem: EXT4, machineId: 'a1' })
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
    const { nonce, socket } = JSON.parse(readFileSync(lockPath(dir), 'utf8')) as { nonce: string; socket: boolean }
    expect(socket).toBe(true)
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

  test('nor where it listens again a moment later', async () => {
    const { dir, socket } = await leftByAnotherContainer()
    const opening = rejectedCode(open(dir))
    setTimeout(() => void listenOn(socket), 100)
    expect(await opening).toBe('LEVEL_LOCKED')
  })

  test('nor in the file system of a network, where a socket refuses all but its own machine', async () => {
    const { dir, socket } = await leftByAnotherContainer()
    killListener(socket)
    machine.fileSystem = NFS
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
  beforeEach(() => void (machine.pidNamespace = 'pid:[4026531836]'))

  test('there is no socket: everybody sees the process', async () => {
    const dir = temporaryDirectory()
    await open(dir)
    expect(readdirSync(dir)).toEqual(['LOCK'])
  })
})

/** The lock of an earlier start of a machine of this name. */
async function leftBefore(): Promise<string> {
  const dir = temporaryDirectory()
  machine.pidNamespace = ''
  const { wal } = await open(dir)
  const lock = readFileSync(lockPath(dir), 'utf8')
  await wal.close()
  writeFileSync(lockPath(dir), JSON.stringify({ ...(JSON.parse(lock) as object), bootId: 'earlier' }))
  return dir
}

describe.runIf(process.platform === 'linux')(
  'a lock of a host of the same name that was started at another time',
  () => {
    test('is taken over where the host has a machine id, or the file system for itself', async () => {
      machine.fileSystem = NFS
      await expect(open(await leftBefore())).resolves.toBeDefined()
      Object.assign(machine, { machineId: '', fileSystem: EXT4 })
      await expect(open(await leftBefore())).resolves.toBeDefined()
    })

    test('is left alone otherwise: it may be another host', async () => {
      Object.assign(machine, { machineId: '', fileSystem: NFS })
      expect(await rejectedCode(open(await leftBefore()))).toBe('LEVEL_LOCKED')
    })
  }
)
