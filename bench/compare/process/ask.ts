import { askChild } from '../../wal/child.js'
import type { Reply } from './reply.js'

/** Runs one measurement in a process of its own. If that fails, rejects with what the process says. */
export async function ask<R>(child: URL, request: object): Promise<R> {
  const reply = await askChild<Reply<R>>(child, ['--expose-gc'], request)
  if ('failure' in reply) throw new Error(reply.failure)
  return reply.result
}
