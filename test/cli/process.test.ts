import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { noise } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { compiled } from '../torture/compiled.js'
import { digests, newLocation, withStore, wrapped } from './databases.js'

describe('ckv as a program', () => {
  let program: string
  beforeAll(() => {
    program = compiled('src/cli/main.ts')
  })
  const run = (argv: string[], input?: string) =>
    spawnSync(process.execPath, [program, ...argv], { encoding: 'utf8', input })

  it('ends with an exit code, results on stdout, errors on stderr', async () => {
    const location = await wrapped()
    const listed = run(['ls', location, '--limit', '1'])
    expect([listed.status, listed.stdout, listed.stderr]).toEqual([0, 'order:000\n', ''])
    const wrong = run(['ls'])
    expect([wrong.status, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toMatch(/^ckv: missing required argument/)
  })

  it('export and import work through a pipe', async () => {
    const [source, target] = [await wrapped(), newLocation()]
    const script = '"$0" "$1" export "$2" | "$0" "$1" import "$3"'
    const piped = spawnSync('sh', ['-c', script, process.execPath, program, source, target], { encoding: 'utf8' })
    expect([piped.status, piped.stdout, piped.stderr]).toEqual([0, '30 values imported\n', ''])
    expect(run(['export', target]).stdout).toBe(run(['export', source]).stdout)
  })

  it('fails if a file takes only a part of its output', async () => {
    const location = await wrapped()
    // The limit lies within the only piece that is written: the system takes what is below it, and refuses the rest when it is tried again.
    const script = 'ulimit -f 20; "$0" "$1" export --prefix order:01 "$2" > "$3"'
    const file = join(temporaryDirectory(), 'out')
    const cut = spawnSync('sh', ['-c', script, process.execPath, program, location, file], { encoding: 'utf8' })
    expect(cut.stderr).toMatch(/^ckv: EFBIG: .*\n$/)
    expect(cut.status).toBe(1)
    const whole = run(['export', '--prefix', 'order:01', location]).stdout
    expect(whole.startsWith(readFileSync(file, 'utf8'))).toBe(true)
  })

  it('fails if its help cannot be written, as with any other output', () => {
    for (const argv of [['--help'], ['help', 'put'], ['put', '--help'], ['--version']]) {
      const stdout = openSync('/dev/full', 'w')
      const { status, stderr } = spawnSync(process.execPath, [program, ...argv], { stdio: ['ignore', stdout, 'pipe'] })
      closeSync(stdout)
      expect([status, stderr.toString()]).toEqual([1, expect.stringMatching(/^ckv: ENOSPC: .*\n$/)])
    }
  })

  it.each([['import'], ['put', 'k', '-']])(
    '%s does not take a directory for an stdin without bytes',
    (command, ...rest) => {
      const location = newLocation()
      const stdin = openSync(temporaryDirectory(), 'r')
      const argv = [program, command, location, ...rest]
      const { status, stderr } = spawnSync(process.execPath, argv, { stdio: [stdin, 'ignore', 'pipe'] })
      closeSync(stdin)
      expect([status, stderr.toString()]).toEqual([1, expect.stringMatching(/^ckv: EISDIR: .*: pass a file\n$/)])
      expect(existsSync(location)).toBe(false)
    }
  )

  it('ends with its exit code even if nobody reads its errors', async () => {
    const child = spawn(process.execPath, [program, 'nothing like it'], { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.destroy()
    expect((await once(child, 'exit'))[0]).toBe(2)
  })

  it('removes the copy after Ctrl-C, and leaves the database as it is', async () => {
    const location = newLocation()
    await withStore(location, {}, async store => {
      for (let i = 0; i < 300; i++) await store.put(`k${i}`, noise(20_000, i + 1))
    })
    const before = digests(location)
    const temporary = join(temporaryDirectory(), 'tmp')
    mkdirSync(temporary)
    const env = { ...process.env, TMPDIR: temporary }
    const child = spawn(process.execPath, [program, 'export', location], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    await once(child.stdout, 'readable') // From here on it waits for a reader.
    expect(readdirSync(temporary).length).toBe(1)
    child.kill('SIGINT')
    child.stdout.resume()
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(130)
    expect(readdirSync(temporary)).toEqual([])
    expect(digests(location)).toEqual(before)
  })
})
