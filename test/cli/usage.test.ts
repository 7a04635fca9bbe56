import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadClassicLevel } from '../../src/cli/database/classic-level.js'
import { bareLevel, wrapped } from './databases.js'
import { ckv } from './run.js'

const nowhere = () => Promise.reject(new Error('not found'))

describe('usage', () => {
  it('--help lists the commands, and each command has help of its own', async () => {
    const { code, out } = await ckv(['--help'])
    expect(code).toBe(0)
    const names = [...out.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name!)
    expect(names).toEqual('stats estimate verify wal gc unwrap repair get put del ls export import'.split(' '))
    for (const name of names) {
      const help = await ckv([name, '--help'])
      expect(help.code).toBe(0)
      expect(help.out).toContain('--json')
    }
  })

  it.each([
    [[]],
    [['nonsense']],
    [['stats']],
    [['gc', 'x', '--policy', 'brotli']],
    [['gc', 'x', '--policy', 'lz4', '--level', '3']],
    [['gc', 'x', '--bytes-per-second', '0']],
    [['estimate', 'x', '--try', 'lz4:3']],
    [['estimate', 'x', '--try', 'zstd:99']],
    [['get', 'x', 'zz', '--encoding', 'hex']],
    [['ls', 'x', '--limit', '0']],
    [['gc', 'x', '--level', '23']],
    [['put', 'x', 'a', 'b', '--ttl', '-1']],
    [['put', 'x', 'a', 'b', '--ttl', '1e300']],
    [['put', 'x', 'a', 'b', '--wal', '']],
    [['put', '', 'a', 'b']],
    [['stats', '']]
  ])('%j is wrong usage: exit code 2', async argv => {
    const { code, out, err } = await ckv(argv)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).not.toBe('')
    const json = await ckv([...argv, '--json'])
    expect(json.code).toBe(2)
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'USAGE', message: expect.stringMatching(/./) } })
    expect(existsSync('x')).toBe(false)
  })

  it('an error of usage names the help of its command', async () => {
    expect((await ckv(['gc', 'x', '--policy', 'lz4', '--level', '3'])).err).toContain("See 'ckv gc --help'")
    expect((await ckv(['gc', 'x', '--policy', 'brotli'])).err).toContain("See 'ckv gc --help'")
    expect((await ckv(['nonsense'])).err).toContain("See 'ckv --help'")
  })

  it('a database that is open elsewhere is an error with a remedy', async () => {
    const location = await wrapped()
    const level = bareLevel(location)
    await level.open()
    const { code, err } = await ckv(['gc', location])
    await level.close()
    expect(code).toBe(1)
    expect(err).toMatch(/lock.*: close the program that has it open\n$/i)
  })

  it('without classic-level the error names what to install', async () => {
    await expect(loadClassicLevel([nowhere, nowhere])).rejects.toThrow("run 'npm install classic-level'")
  })
})
