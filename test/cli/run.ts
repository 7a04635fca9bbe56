import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { vi } from 'vitest'
import { main } from '../../src/cli/command-line.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

interface Result {
  readonly code: number
  readonly stdout: Buffer
  /** stdout as text, without the last newline. */
  readonly out: string
  readonly err: string
  /** Of stdout. */
  readonly lines: string[]
  /** What was left in the directory for temporary files. */
  readonly left: string[]
}

interface Surroundings {
  readonly stdin?: string | Buffer | Readable
  readonly signal?: AbortSignal
}

/** Runs `ckv` in this process. */
export async function ckv(argv: readonly string[], { stdin = '', signal }: Surroundings = {}): Promise<Result> {
  const temporary = join(temporaryDirectory(), 'tmp')
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
  const [stdout, stderr] = [new Sink(), new Sink()]
  try {
    const input = stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)])
    const code = await main(argv, { stdin: input, stdout, stderr, signal })
    const out = stdout.bytes().toString().replace(/\n$/, '')
    const lines = out === '' ? [] : out.split('\n')
    return { code, stdout: stdout.bytes(), out, lines, err: stderr.bytes().toString(), left: readdirSync(temporary) }
  } finally {
    vi.unstubAllEnvs()
  }
}

/** What it printed with `--json`. */
export async function json<T>(argv: readonly string[]): Promise<T> {
  const { out, err } = await ckv([...argv, '--json'])
  if (err !== '') throw new Error(err)
  return JSON.parse(out) as T
}

class Sink extends Writable {
  readonly #chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
