import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { nodeFileSystem } from '../../src/index.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { rejectedCode } from '../support/thrown-code.js'
import { compiled } from '../torture/compiled.js'
import type { Answer, Order } from './lock-holder.js'
import { openLog } from './open-log.js'

let program: string
beforeAll(() => {
  program = compiled('test/wal/lock-holder.ts')
})

interface Holder {
  readonly tell: (order: Order) => Promise<Answer>
}

/** Runs a program as a container does: as the first process that it sees. */
const CONTAINED = ['--pid', '--fork', '--mount-proc', '--kill-child']

function canContain(): boolean {
  return spawnSync('unshare', [...CONTAINED, 'true']).status === 0
}

function startContained(): Promise<Holder & { readonly child: ChildProcess }> {
  return started(
    spawn('unshare', [...CONTAINED, process.execPath, program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  )
}

function startProcess(): Promise<Holder & { readonly child: ChildProcess }> {
  return started(fork(program))
}

async function started(child: ChildProcess): Promise<Holder & { readonly child: ChildProcess }> {
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  const tell = async (order: Order) => {
    const answered = once(child, 'message')
    child.send(order)
    return ((await answered) as [Answer])[0]
  }
  return { child, tell }
}

async function startWorker(): Promise<Holder> {
  const worker = new Worker(program)
  onTestFinished(async () => void (await worker.terminate()))
  await once(worker, 'message')
  const tell = async (order: Order) => {
    const answered = once(worker, 'message')
    worker.postMessage(order)
    return ((await answered) as [Answer])[0]
  }
  return { tell }
}

const open = (dir: string) => openLog({ dir, fs: nodeFileSystem })

test.for([
  { where: 'another process', start: startProcess },
  { where: 'a worker thread', start: startWorker }
])('a log that is open here is locked in $where, and the other way round', async ({ start }) => {
  const dir = temporaryDirectory()
  const other = await start()
  const { wal } = await open(dir)
  const refused = await other.tell({ open: dir })
  expect(refused.code).toBe('LEVEL_LOCKED')
  expect(refused.message).toContain(join(dir, 'LOCK'))
  await wal.close()
  expect(await other.tell({ open: dir })).toEqual({ opened: true })
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  expect(await other.tell({ close: true })).toEqual({ closed: true })
  await open(dir)
})

test('what kill -9 leaves is taken over at once', async () => {
  const dir = temporaryDirectory()
  const { child, tell } = await startProcess()
  await tell({ open: dir })
  expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(existsSync(join(dir, 'LOCK'))).toBe(true)
  const { wal } = await open(dir)
  await wal.close()
  expect(readdirSync(dir)).toEqual([])
})

describe.runIf(canContain())('in containers', () => {
  test('a log that is open in one is locked in the other, and what kill -9 leaves of one the other takes over', async () => {
    const dir = temporaryDirectory()
    const [one, other] = await Promise.all([startContained(), startContained()])
    expect(await one.tell({ open: dir })).toEqual({ opened: true })
    expect((await other.tell({ open: dir })).code).toBe('LEVEL_LOCKED')
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    one.child.kill('SIGKILL')
    // What is killed is the process that made the container; the one in it follows.
    await vi.waitFor(async () => expect(await other.tell({ open: dir })).toEqual({ opened: true }), 20_000)
    expect(await rejectedCode(open(dir))).toBe('LEVEL_LOCKED')
    expect(await other.tell({ close: true })).toEqual({ closed: true })
    expect(readdirSync(dir)).toEqual([])
  })
})

test('of processes that race to take over a dead lock exactly one gets it', async () => {
  const holders = await Promise.all([startProcess(), startProcess()])
  const dead = await startProcess()
  const left = temporaryDirectory()
  await dead.tell({ open: left })
  dead.child.kill('SIGKILL')
  await once(dead.child, 'exit')
  const lock = JSON.parse(readFileSync(join(left, 'LOCK'), 'utf8')) as object
  for (let round = 0; round < 20; round++) {
    const dir = temporaryDirectory()
    writeFileSync(join(dir, 'LOCK'), JSON.stringify({ ...lock, nonce: round.toString(16) }))
    const answers = await Promise.all(holders.map(({ tell }) => tell({ open: dir })))
    const outcomes = answers.map(({ opened, code }) => (opened ? 'opened' : code))
    expect(new Set(outcomes)).toEqual(new Set(['LEVEL_LOCKED', 'opened']))
    await Promise.all(holders.map(({ tell }) => tell({ close: true })))
    expect(readdirSync(dir)).toEqual([])
  }
})
