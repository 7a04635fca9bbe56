import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
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

async function startProcess(): Promise<Holder & { readonly child: ChildProcess }> {
  const child = fork(program)
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
