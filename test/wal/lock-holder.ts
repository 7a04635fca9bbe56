/*
 * Opens a log when told to, in a process or a worker thread of its own. Messages to it: `{ open: DIRECTORY }`, `{ close: true }`.
 * Answers: `{ opened: true }`, `{ code, message }`, `{ closed: true }`. `{ ready: true }` when it has begun to listen.
 */
import { parentPort } from 'node:worker_threads'
import { Wal } from '../../src/index.js'

export interface Order {
  readonly open?: string
  readonly close?: true
}

export interface Answer {
  readonly ready?: true
  readonly opened?: true
  readonly closed?: true
  readonly code?: string
  readonly message?: string
}

const answer = (message: Answer) =>
  void (parentPort === null ? process.send!(message) : parentPort.postMessage(message))
let wal: Wal | undefined

;(parentPort ?? process).on('message', (order: Order) => void carryOut(order).then(answer))
answer({ ready: true })

async function carryOut({ open, close }: Order): Promise<Answer> {
  try {
    if (open !== undefined) {
      ;({ wal } = await Wal.open({ dir: open, meter: false }))
      return { opened: true }
    }
    await wal?.close()
    wal = undefined
    if (close) return { closed: true }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { code: code ?? 'none', message }
  }
  return {}
}
