import { askChild } from '../../wal/child.js'
import type { Reply } from './reply.js'

/** Runs one measurement in a process of its own. Rejects with what the process says went wrong. */
export async function ask<R>(child: URL, request: object): Promise<R> {
  const reply = await askChild<Reply<R>>(child, ['--expose-gc'], request)
  if ('failure' in reply) throw new Error(reply.failure)
  return reply.result
}
