import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Sends a request to a process of its own, and waits for its one reply.
 *
 * @param env environment variables, beside those of this process
 */
export async function askChild<Reply>(
  module: URL,
  execArgv: readonly string[],
  request: object,
  env: Readonly<Record<string, string>> = {}
): Promise<Reply> {
  const child = fork(module, { execArgv: [...execArgv], env: { ...process.env, ...env } })
  try {
    child.send(request)
    const failed = once(child, 'exit').then(() => {
      throw new Error(`The process of ${module.pathname} ended early`)
    })
    const [reply] = (await Promise.race([once(child, 'message'), failed])) as [Reply]
    return reply
  } finally {
    child.kill()
  }
}
