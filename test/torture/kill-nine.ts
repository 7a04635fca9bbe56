import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../support/seeded-random.js'

/** What is killed again and again, and how it is checked. */
export interface Victim {
  /**
   * Path of a program for plain node. It gets a directory and a seed as arguments, goes on where the one before it was killed, and
   * never ends by itself. Each line that it prints is handed to `check`; one that is 'ready' says that it has begun to work.
   */
  readonly program: string
  /**
   * Opens what the killed process left, holds it against what the process said, and closes it.
   *
   * @param lines whole lines that were printed since the last check, of one process
   * @returns how many writes were acknowledged by the process, and how many are found
   * @throws if something is not as promised
   */
  check(seed: number, lines: readonly string[]): Promise<{ acknowledged: number; recovered: number }>
}

interface KillNineOptions {
  readonly cycles: number
  readonly seed: number
  readonly directory: string
}

interface KillNineReport {
  readonly cycles: number
  readonly acknowledged: number
  readonly recovered: number
  /** Processes that were killed before they had begun to work. */
  readonly killedEarly: number
}

/** The share of processes that is killed while they start, or still open what the last one left. */
const EARLY = 0.2
const MAX_EARLY_MS = 600
const MAX_WORK_MS = 200

/** Starts the program, kills it at a random moment, checks; so many times over. */
export async function killNine(victim: Victim, { cycles, seed, directory }: KillNineOptions): Promise<KillNineReport> {
  const random = seededRandom(seed)
  const total = { cycles, acknowledged: 0, recovered: 0, killedEarly: 0 }
  for (let cycle = 0; cycle < cycles; cycle++) {
    const cycleSeed = Math.floor(random() * 2 ** 31)
    const lines = await runAndKill(victim.program, directory, cycleSeed, random)
    if (!lines.includes('ready')) total.killedEarly++
    try {
      const { acknowledged, recovered } = await victim.check(cycleSeed, lines)
      total.acknowledged += acknowledged
      total.recovered += recovered
    } catch (error) {
      throw new Error(`kill -9: cycle ${cycle} of seed ${seed} (seed ${cycleSeed} of its own)`, { cause: error })
    }
  }
  return total
}

async function runAndKill(program: string, directory: string, seed: number, random: () => number): Promise<string[]> {
  const child = spawn(process.execPath, [program, directory, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  const ready = new Promise<void>(resolve => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('ready\n')) resolve()
    })
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const closed = once(child, 'close')
  if (random() >= EARLY) {
    await Promise.race([ready, closed])
    await sleep(random() * MAX_WORK_MS)
  } else await sleep(random() * MAX_EARLY_MS)
  child.kill('SIGKILL')
  const [code] = (await closed) as [number | null]
  if (code !== null) throw new Error(`The program ended by itself, with code ${code} (seed ${seed}): ${errors}`)
  // What stands behind the last line feed was not printed whole.
  return output.split('\n').slice(0, -1)
}
